"""The two questions every proof asks: is it so, and is it clean?"""

from collections.abc import Collection
from pathlib import Path

from pipeline import privacy
from pipeline.errors import ProofFailed


def expect(is_so: bool, what: str, value: object, limit: object) -> None:
    """Raises: ProofFailed "WHAT is VALUE, decided was LIMIT" unless it is so."""
    if not is_so:
        raise ProofFailed(f"{what} is {value}, decided was {limit}")


def same(what: str, value: object, limit: object) -> None:
    """Raises: ProofFailed unless both are equal."""
    expect(value == limit, what, value, limit)


def clean(path: Path, content_type: str, private: Collection[str]) -> None:
    """Neither a part that has no place in such a file, nor a string of the source (`private`, of `Source`).

    Raises: ProofFailed naming the traces, never quoting them.
    """
    traces = privacy.structure(path, content_type) + privacy.search(path, private)
    if traces:
        named = "; ".join(f"{trace.what} at {trace.where}" for trace in traces[:5])
        raise ProofFailed(f"{path.name} holds {len(traces)} traces, limit 0: {named}")
