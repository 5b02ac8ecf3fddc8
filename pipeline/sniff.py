"""The first bytes of a file say what it is, or that we do not take it."""
