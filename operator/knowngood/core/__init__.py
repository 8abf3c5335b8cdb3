"""Decides: pure functions over values, with no I/O, no clock, no randomness and no async."""
