"""The names of outputs that others than the craft know by name."""

FIRST = "chunk/0000"  # from which on a film can be played
REST = f"{FIRST}-rest"  # the first chunk's other renditions
