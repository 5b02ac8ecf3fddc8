"""What was made is measured again, and refused if it is not what was decided."""
