"""What a file is, in our own types."""
