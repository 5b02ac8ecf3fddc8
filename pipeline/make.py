"""A plan and a name become proved outputs: the table of contents of the craft."""
