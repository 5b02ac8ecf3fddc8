"""The sizes of a photo."""
