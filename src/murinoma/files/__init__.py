"""Files in, values out: the formats, and the only place where (x, y, z) becomes (z, y, x)."""
