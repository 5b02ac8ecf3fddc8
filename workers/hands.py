"""Children that make the outputs of one file, one for each thread that asks: `walkaround process` without a unit."""

import tempfile
import threading
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from workers import sandbox
from workers.child import CHILD
from workers.sandbox import Layer, Limits
from workers.settings import settings
from workers.started import Started, has_ended


class Hands:
    """Starts children that may read `inputs`, and ends them as a context manager. They work in a folder of `room`."""

    def __init__(self, inputs: Mapping[str, Path], room: Path, layer: Layer | None = None) -> None:
        self._inputs = {name: path.resolve() for name, path in inputs.items()}
        self._room = room
        self._layer = layer
        self._own = threading.local()
        self._lock = threading.Lock()
        self._stack = ExitStack()

    def __enter__(self) -> "Hands":
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def child(self, limits: Limits | None = None) -> Started:
        """This thread's: the one that did its last job, or another if that failed or was held to other limits. It dies
        with the thread.

        Raises: SandboxUnavailable; OSError.
        """
        limits = limits or Limits.of(settings())
        own: Started | None = getattr(self._own, "child", None)
        if own is None or not own.is_idle or not own.fits(limits) or has_ended(own.process):
            if own is not None:
                own.close()
            own = self._own.child = self._start(limits)
        return own

    def _start(self, limits: Limits) -> Started:
        with self._lock, ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=".hand-", dir=self._room)))
            folder.chmod(0o711)
            scratch, out = folder / "scratch", folder / "out"
            scratch.mkdir(0o711)
            out.mkdir()
            layer = self._layer or sandbox.choose(settings().sandbox)
            child = Started(layer, CHILD, self._inputs, out, scratch, limits)
            stack.callback(child.close)
            self._stack.push(stack.pop_all())
        return child
