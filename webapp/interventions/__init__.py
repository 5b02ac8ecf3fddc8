"""Interventions: the vehicle, its customer, the films, photos and files joined to it; the pages of the staff."""
