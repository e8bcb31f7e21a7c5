"""From volumes over time to growth, change, response and survival: arrays in, numbers out; times in days, mm3."""
