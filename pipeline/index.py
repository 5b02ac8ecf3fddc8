"""A container's sample index: where each group of pictures lies, in time and in bytes."""
