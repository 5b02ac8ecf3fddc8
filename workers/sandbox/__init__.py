"""Walls around every decode. `choose` finds the strongest that works on this machine and proves it."""

from workers.sandbox.choice import choose, status
from workers.sandbox.layer import Cell, Layer, Limits

__all__ = ["Cell", "Layer", "Limits", "choose", "status"]
