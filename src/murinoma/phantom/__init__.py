"""Numbers in, mice out: whole-body phantoms with known tumors, and annotators who draw them."""
