"""The memory: which assets exist, which bytes arrived, what was made of them, and who is making the rest."""
