"""The reference that HDR colours are held against is itself right: published pairs, and ffmpeg's own float chain."""

from pathlib import Path

import numpy as np
import pytest
from painting import ffmpeg

from pipeline.colour import pq
from pipeline.source import Hdr
from workers.bench import eye

# Source: Sharma, Wu, Dalal, "The CIEDE2000 color-difference formula", 2005, table 1 (pairs 1, 4, 7 … 33).
SHARMA = [
    ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
    ((50, -1.3802, -84.2814), (50, 0, -82.7485), 1.0),
    ((50, 0, 0), (50, -1, 2), 2.3669),
    ((50, 2.49, -0.001), (50, -2.49, 0.0009), 7.1792),
    ((50, 2.49, -0.001), (50, -2.49, 0.0011), 7.2195),
    ((50, -0.001, 2.49), (50, 0.0009, -2.49), 4.8045),
    ((50, 2.5, 0), (50, 0, -2.5), 4.3065),
    ((50, 2.5, 0), (73, 25, -18), 27.1492),
    ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
    ((2.0776, 0.0795, -1.135), (0.9033, -0.0636, -0.5514), 0.9082),
]


@pytest.mark.parametrize(("one", "other", "far"), SHARMA)
def test_the_distance_of_published_pairs(one: tuple[float, ...], other: tuple[float, ...], far: float) -> None:
    assert eye.distance(one, other) == pytest.approx(far, abs=5e-5)
    assert eye.distance(other, one) == pytest.approx(far, abs=5e-5)


@pytest.mark.parametrize("hdr", [Hdr.HLG, Hdr.PQ])
def test_below_the_shoulder_the_reference_is_what_zscale_computes_in_float(hdr: Hdr, tmp_path: Path) -> None:
    """With `agamma=0`, the slow way of zscale, in which the system gamma is on luminance."""
    dice = np.random.default_rng(5)
    light = dice.random((64, 3)) * [60, 60, 60] + 5  # cd/m² in BT.2020, so that no channel reaches the knee
    signal = eye.hlg_signal(light) if hdr is Hdr.HLG else np.vectorize(pq)(light)
    luma = signal @ eye.LUMA_2020
    yuv = np.stack([luma, (signal[:, 2] - luma) / 1.8814, (signal[:, 0] - luma) / 1.4746], -1)
    yuv = np.round(yuv * [876, 896, 896] + [64, 512, 512])
    source, made = tmp_path / "in.raw", tmp_path / "out.raw"
    source.write_bytes(yuv.T.reshape(3, 8, 8).astype("<u2").tobytes())
    transfer = "arib-std-b67" if hdr is Hdr.HLG else "smpte2084"
    chain = (
        f"setparams=range=tv:color_primaries=bt2020:color_trc={transfer}:colorspace=bt2020nc,"
        "zscale=transfer=linear:matrix=gbr:range=pc:npl=203:agamma=0,format=gbrpf32le,zscale=primaries=bt709:agamma=0"
    )
    ffmpeg(
        *("-f", "rawvideo", "-pix_fmt", "yuv444p10le", "-s", "8x8", "-i", source),
        *("-vf", chain, "-pix_fmt", "gbrpf32le", "-f", "rawvideo", made),
    )
    green, blue, red = np.frombuffer(made.read_bytes(), "<f4").reshape(3, 64)
    wanted = eye.rendered(yuv, hdr)
    assert np.abs(np.clip(np.stack([red, green, blue], -1), 0, 1) - wanted).max() < 0.002
