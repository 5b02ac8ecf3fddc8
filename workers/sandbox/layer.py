"""What every layer of the sandbox is asked, and what it answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from workers.settings import Settings

Program = Sequence[str]
"""What Python runs inside: `("-m", "pipeline.child")`, or `("-c", TEXT)` for the sandbox's own trial."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one child may use; the defaults are those of the settings."""

    timeout_s: float = 1800.0
    """Seconds from start to answer."""
    stall_s: float = 120.0
    """Seconds without a line of progress."""
    memory_bytes: int = 3 * 2**30
    """Address space of each process, and resident memory of all of them together."""
    file_bytes: int = 4 * 2**30
    """Size of one file the child writes."""
    out_bytes: int = 4 * 2**30
    """All files the child leaves on our disk together."""
    tmp_bytes: int = 2**30
    """Size of the child's /tmp (bubblewrap only)."""
    processes: int = 512
    """Processes and threads together: x264 and the decoders start one per core and rendition."""
    nice: int = 0
    """How far it stands behind others where cores are scarce (nice(2)): a first chunk does not wait for a third."""
    devices: tuple[Path, ...] = ()
    """Device nodes the child may open: none, but for a graphics card that encodes."""
    address_bytes: int | None = None
    """Address space of each process where that is not `memory_bytes`: CUDA reserves far more than it uses."""

    @classmethod
    def of(cls, settings: Settings) -> "Limits":
        return cls(
            settings.child_timeout_s,
            settings.child_stall_s,
            settings.child_memory_bytes,
            out_bytes=settings.child_out_bytes,
        )


@dataclass(frozen=True, slots=True)
class Cell:
    """One prepared child: how to start it, and what it calls the files it was given."""

    argv: list[str]
    names: dict[str, str]
    """The path of each input as the child sees it: `{"input": "/in/input"}`."""
    out: str | None
    """The folder for what is made, as the child sees it."""
    environment: dict[str, str]
    fds: tuple[int, ...]
    """Descriptors the child inherits; the caller closes them after the start."""
    lifeline: int
    """A descriptor of ours: the child and all below it live until it is closed, by the caller or by our death."""
    uid: int | None = None
    """The unprivileged user the child becomes when we are root; it must own what it writes to."""


class Layer(Protocol):
    """A way of starting a child that can reach its input, its output and nothing else."""

    name: str

    def prepare(
        self, program: Program, inputs: Mapping[str, Path], out: Path | None, scratch: Path, limits: Limits
    ) -> Cell:
        """A cell for one child. `scratch` is an empty private folder that lives as long as the child."""
