"""The doors for people: thin; they parse, call one step and show the result."""
