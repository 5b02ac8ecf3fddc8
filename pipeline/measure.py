"""A file becomes its source, its index and its plan."""
