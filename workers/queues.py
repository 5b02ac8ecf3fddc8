"""The queues by name, and which kind of worker unit listens to which."""

# `post` is for what leaves the house (e-mail, SMS, webhooks). Nothing does yet: it needs no unit of its own.
UNITS: dict[str, tuple[str, ...]] = {"express": ("express",), "film": ("film",), "later": ("later", "post")}
QUEUES = tuple(queue for queues in UNITS.values() for queue in queues)

# Where one machine makes a first chunk, others and a storyboard at once (nice(2)).
NICE = {"film": 5, "later": 10}
