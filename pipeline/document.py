"""A PDF without its metadata, and a picture of its first page."""
