"""Which frame stands for a film. For `stills`; apart from `frames`, because only a poster needs the arithmetic."""

from collections.abc import Sequence
from typing import Any

import av
import numpy as np

MOST_PIXELS = 480  # px, long edge at which frames are judged: finer only measures the sensor's noise


def best(frames: Sequence[av.VideoFrame]) -> int:
    """Which frame stands for the film: the first that is nearly as good as the best. Always the same for the same film.

    Good is sharp (variance of the Laplacian), neither dark nor burnt out, and not in the middle of a change: a frame
    that is far from both its neighbours is a flash, a swing of the phone or a dissolve.

    Source: Pech-Pacheco et al., "Diatom autofocusing in brightfield microscopy", 2000 (variance of the Laplacian).
    """
    greys = [_grey(frame) for frame in frames]
    scores = [_sharp(grey) * _lit(grey) for grey in greys]
    for n, grey in enumerate(greys):
        near = [np.abs(grey - greys[m]).mean() for m in (n - 1, n + 1) if 0 <= m < len(greys)]
        scores[n] /= 1 + min(near, default=0.0) / 12
    top = max(scores)
    return next(n for n, score in enumerate(scores) if score >= 0.9 * top)


def _grey(frame: av.VideoFrame) -> Any:
    """Luma of a frame, 0…255 as float, with a long edge of at most MOST_PIXELS."""
    share = min(1.0, MOST_PIXELS / max(frame.width, frame.height))
    width, height = (max(8, round(side * share)) for side in (frame.width, frame.height))
    return frame.reformat(width, height, format="gray", interpolation="AREA").to_ndarray().astype(np.float32)


def _sharp(grey: Any) -> float:
    inner = grey[1:-1, 1:-1]
    edges = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:] - 4 * inner
    # The root, so that one hard edge (a subtitle, a bar) does not outweigh a whole picture.
    return float(np.sqrt(edges.var())) + 1e-6


def _lit(grey: Any) -> float:
    """1 for a picture with all its tones; towards 0 for black, white and flat ones."""
    mean, spread = float(grey.mean()), float(grey.std())
    dark = min(1.0, max(0.0, (mean - 12) / 40))
    burnt = min(1.0, max(0.0, (250 - mean) / 40))
    return (0.02 + dark) * (0.02 + burnt) * (0.02 + min(1.0, spread / 25))
