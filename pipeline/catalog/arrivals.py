"""Which bytes must be here, while a file arrives in order and perhaps its index ahead."""

from collections.abc import Sequence

from pipeline.catalog.models import Asset

Ranges = Sequence[Sequence[int]]


def needs(asset: Asset, ranges: Ranges) -> int:
    """How much must have arrived before all of these bytes are here, in order or with the hint."""
    return max((_until(asset, start, min(end, asset.size)) for start, end in ranges), default=0)


def _until(asset: Asset, start: int, end: int) -> int:
    if asset.hint_offset is None or asset.hint_length is None:
        return end
    if asset.hint_offset < end <= asset.hint_offset + asset.hint_length:
        return asset.hint_offset if start < asset.hint_offset else 0
    return end
