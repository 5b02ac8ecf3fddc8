"""Multivariant and media playlist text from recorded facts."""
