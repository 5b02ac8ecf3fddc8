"""What may remain in a file; find and remove the rest."""
