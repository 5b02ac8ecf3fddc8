"""Poster, storyboard and silent preview of a film."""
