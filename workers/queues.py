"""The queues by name, and which kind of worker unit listens to which."""

UNITS: dict[str, tuple[str, ...]] = {"express": ("express",), "film": ("film",), "later": ("later",)}
QUEUES = tuple(queue for queues in UNITS.values() for queue in queues)
