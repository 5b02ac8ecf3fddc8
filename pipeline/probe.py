"""A file becomes a `Source`: what it is, as displayed, in our own types."""
