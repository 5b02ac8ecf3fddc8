"""Dealerships and the people who work for them: signing in, roles."""
