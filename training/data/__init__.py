"""Data sets: found or downloaded, checked, split the same way on every edition, kept as uint8 arrays."""
