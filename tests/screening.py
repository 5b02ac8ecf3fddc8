"""Makes a film as the crew would, name by name, and watches it as a player would: joined, decoded, heard."""

import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
from painting import read_number

from pipeline.make import make
from pipeline.measure import measure
from pipeline.names import FIRST, REST
from pipeline.sound import OFFSET

# A tenth of a second of sound at each full second, for `paint`.
BEEPS = "aevalsrc='0.5*sin(2*PI*1000*t)*lt(mod(t,1),0.1)*gte(t,0.5)':sample_rate=48000"


def ignore(share: float) -> None:
    """Progress that nobody watches."""


def measured(path: Path, preset: str = "workshop") -> dict[str, Any]:
    """The result of the measure job, as it comes out of a pipe."""
    result: dict[str, Any] = json.loads(json.dumps(measure(path, preset, False, ignore)))
    return result


def chunk_names(result: dict[str, Any]) -> list[str]:
    """The names of a film's chunks."""
    return [one["name"] for one in result["plan"]["outputs"] if one["name"].startswith("chunk/")]


def make_chunk(path: Path, result: dict[str, Any], name: str, out: Path) -> dict[str, Any]:
    """One chunk, made and proved in a folder of its own; returns its facts."""
    folder = out / name
    folder.mkdir(parents=True)
    made: dict[str, Any] = make(name, path, result["source"], result["plan"], None, folder, ignore)["facts"]
    return made


@dataclass
class Screening:
    """A made film: what was measured and decided, the facts of its chunks, and one rendition as a player joins it."""

    result: dict[str, Any]
    facts: list[dict[str, Any]]
    folder: Path
    rendition: int = 0

    def joined(self, chunks: slice = slice(None)) -> bytes:
        """The init segment and all media segments, one after the other."""
        data = b""
        for facts in self.facts[chunks]:
            one = facts["renditions"][self.rendition]
            folder = self.folder / f"chunk/{facts['chunk']:04d}"
            data = data or (folder / one["init"]).read_bytes()
            data += b"".join((folder / segment["path"]).read_bytes() for segment in one["segments"])
        return data

    def pictures(self) -> tuple[list[int], list[float]]:
        """The painted numbers of all frames, and their times on the film's clock, s."""
        numbers, times = [], []
        with av.open(io.BytesIO(self.joined()), format="mov") as file:
            for frame in file.decode(video=0):
                numbers.append(read_number(frame.to_ndarray(format="gray")))
                times.append(round(frame.time - OFFSET, 4))
        return numbers, times

    def sound(self) -> tuple[float, Any, int]:
        """When the sound begins on the film's clock (s), its first channel, and its rate."""
        with av.open(io.BytesIO(self.joined()), format="mov") as file:
            packets = [packet for packet in file.demux(audio=0) if packet.size]
            rate = file.streams.audio[0].rate
            samples = [frame.to_ndarray()[0] for packet in packets for frame in packet.decode()]
            return float(packets[0].pts / rate - OFFSET), np.concatenate(samples), rate

    def beeps(self) -> list[float]:
        """When the sound comes on after silence, on the film's clock, s."""
        start, samples, rate = self.sound()
        loud = np.flatnonzero(np.abs(samples) > 0.05)
        return [float(start + at / rate) for at in loud[np.flatnonzero(np.diff(loud, prepend=-rate) > rate // 5)]]

    def packets(self) -> list[int]:
        """The times of all sound packets, in samples."""
        with av.open(io.BytesIO(self.joined()), format="mov") as file:
            return [packet.pts for packet in file.demux(audio=0) if packet.size]


def screen(path: Path, out: Path, preset: str = "workshop") -> Screening:
    """Make all chunks of a film under `out`; the two pieces of the first one are put together."""
    result = measured(path, preset)
    made = {name: make_chunk(path, result, name, out) for name in chunk_names(result)}
    if rest := made.pop(REST, None):
        both = {one["name"]: one for piece in (made[FIRST], rest) for one in piece["renditions"]}
        made[FIRST]["renditions"] = [both[one["name"]] for one in result["plan"]["film"]["renditions"]]
        for file in (out / REST).iterdir():
            file.rename(out / FIRST / file.name)
        (out / REST).rmdir()
    return Screening(result, list(made.values()), out)


def source_times(path: Path) -> list[float]:
    """The times of a source's frames from its first on, decoded in one go, s."""
    with av.open(str(path)) as file:
        times = [frame.time for frame in file.decode(video=0)]
    return [round(time - times[0], 4) for time in times]
