"""What right colours are, computed in floating point, and how far apart two colours are to an eye.

The reference of the bench and of the tests (docs/hdr.md): slow, exact, and independent of every filter of ffmpeg.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.colour import PEAK, WHITE
from pipeline.source import Hdr

Numbers = NDArray[Any]

# Linear BT.2020 to linear BT.709. Source: ITU-R BT.2087-0, annex 2, inverse.
TO_709 = np.array([[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]])
LUMA_2020 = np.array([0.2627, 0.678, 0.0593])  # Source: ITU-R BT.2020-2, table 4
LUMA_709 = np.array([0.2126, 0.7152, 0.0722])  # Source: ITU-R BT.709-6, 3.2
_A, _B, _C = 0.17883277, 0.28466892, 0.55991073  # HLG. Source: ITU-R BT.2100-2, table 5
# Linear BT.709 to XYZ, and its white (D65). Source: IEC 61966-2-1.
_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
_D65 = np.array([0.9505, 1.0, 1.089])


def rendered(yuv: Any, hdr: Hdr, *, full_range: bool = False) -> Numbers:
    """Linear bt709 light (1: SDR white) of coded BT.2020 10-bit values (…, 3: Y, Cb, Cr) in HLG or PQ.

    The shoulder of docs/hdr.md over the coded channels, light with the system gamma on luminance, then bt709's colours.
    """
    y, u, v = np.moveaxis(np.asarray(yuv, np.float64), -1, 0)
    lift, luma, wide = (0, 1023, 1023) if full_range else (64, 876, 896)
    y, u, v = (y - lift) / luma, (u - 512) / wide, (v - 512) / wide
    red, blue = y + 1.4746 * v, y + 1.8814 * u
    green = (y - LUMA_2020[0] * red - LUMA_2020[2] * blue) / LUMA_2020[1]
    signal = np.clip(np.stack([red, green, blue], -1), 0, 1)
    light = hlg_light(bent(signal, 1.0, 0.75)) if hdr is Hdr.HLG else pq_light(bent(signal, _pq(PEAK), _pq(WHITE)))
    return np.asarray(np.clip(light / WHITE @ TO_709.T, 0, 1))


def bent(signal: Numbers, top: float, white: float) -> Numbers:
    """The shoulder: straight to a knee, then so that `top` becomes `white`. Source: ITU-R BT.2390-11, 5.4.1."""
    signal, high = np.minimum(signal / top, 1), white / top
    knee = 1.5 * high - 0.5
    t = (signal - knee) / (1 - knee)
    curve = (2 * t**3 - 3 * t**2 + 1) * knee + (t**3 - 2 * t**2 + t) * (1 - knee) + (3 * t**2 - 2 * t**3) * high
    return np.asarray(top * np.where(t < 0, signal, curve))


def hlg_light(signal: Numbers) -> Numbers:
    """Display light, cd/m² on a screen of 1000, of HLG R'G'B'. Source: ITU-R BT.2100-2, table 5."""
    scene = np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - _C) / _A) + _B) / 12)
    luminance = np.maximum(scene @ LUMA_2020, 1e-9)
    return np.asarray(PEAK * scene * luminance[..., None] ** 0.2)


def hlg_signal(light: Any) -> Numbers:
    """HLG R'G'B' of display light, cd/m²: the way back."""
    light = np.maximum(np.asarray(light, np.float64) / PEAK, 0)
    scene = light * np.maximum(light @ LUMA_2020, 1e-9)[..., None] ** (1 / 1.2 - 1)
    log = _A * np.log(np.maximum(12 * scene - _B, 1e-9)) + _C
    return np.asarray(np.where(scene <= 1 / 12, np.sqrt(3 * scene), log))


def pq_light(signal: Numbers) -> Numbers:
    """Display light, cd/m², of PQ R'G'B'. Source: SMPTE ST 2084, equation 4.1."""
    power = signal ** (1 / 78.84375)
    ratio = np.maximum(power - 0.8359375, 0) / (18.8515625 - 18.6875 * power)
    return np.asarray(10000 * ratio ** (1 / 0.1593017578125))


def _pq(light: float) -> float:
    power = (light / 10000) ** 0.1593017578125
    return float(((0.8359375 + 18.8515625 * power) / (1 + 18.6875 * power)) ** 78.84375)


def shown(yuv: Any) -> Numbers:
    """Linear light of bt709 8-bit limited-range values on a screen with gamma 2.4. Source: ITU-R BT.1886."""
    y, u, v = np.moveaxis((np.asarray(yuv, np.float64) - [16, 128, 128]) / [219, 224, 224], -1, 0)
    red, blue = y + 1.5748 * v, y + 1.8556 * u
    green = (y - LUMA_709[0] * red - LUMA_709[2] * blue) / LUMA_709[1]
    return np.asarray(np.clip(np.stack([red, green, blue], -1), 0, 1) ** 2.4)


def lab(light: Any) -> Numbers:
    """CIE L*a*b* of linear bt709 light (1: white)."""
    xyz = np.asarray(light, np.float64) @ _XYZ.T / _D65
    x, y, z = np.moveaxis(np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116), -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], -1)


def distance(one: Any, other: Any) -> Numbers:
    """ΔE2000 between L*a*b* colours (…, 3): below 1 nobody sees it, 2 is seen side by side, 10 at a glance.

    Source: Sharma, Wu, Dalal, "The CIEDE2000 color-difference formula", 2005; its test pairs are ours.
    """
    (l1, a1, b1), (l2, a2, b2) = (np.moveaxis(np.asarray(side, np.float64), -1, 0) for side in (one, other))
    mean = (np.hypot(a1, b1) + np.hypot(a2, b2)) / 2
    stretch = 1 + 0.5 * (1 - np.sqrt(mean**7 / (mean**7 + 25.0**7)))
    c1, c2 = np.hypot(stretch * a1, b1), np.hypot(stretch * a2, b2)
    h1, h2 = np.degrees(np.arctan2(b1, stretch * a1)) % 360, np.degrees(np.arctan2(b2, stretch * a2)) % 360
    grey = c1 * c2 == 0
    turn = np.where(grey, 0, (h2 - h1 + 180) % 360 - 180)
    # The turn of exactly half a circle keeps its sign, and a mean of angles lies on their shorter side.
    turn = np.where((turn == -180) & (h2 > h1), 180, turn)
    far = np.abs(h1 - h2) > 180
    hue = np.where(grey, h1 + h2, (h1 + h2 + np.where(far, np.where(h1 + h2 < 360, 360, -360), 0)) / 2)
    light, chroma = (l1 + l2) / 2, (c1 + c2) / 2
    angle = np.radians(hue)
    weight = (
        1
        - 0.17 * np.cos(angle - np.radians(30))
        + 0.24 * np.cos(2 * angle)
        + 0.32 * np.cos(3 * angle + np.radians(6))
        - 0.2 * np.cos(4 * angle - np.radians(63))
    )
    lightness = (l2 - l1) / (1 + 0.015 * (light - 50) ** 2 / np.sqrt(20 + (light - 50) ** 2))
    colour = (c2 - c1) / (1 + 0.045 * chroma)
    tone = 2 * np.sqrt(c1 * c2) * np.sin(np.radians(turn) / 2) / (1 + 0.015 * chroma * weight)
    blue = np.sin(np.radians(60 * np.exp(-(((hue - 275) / 25) ** 2))))
    twist = -2 * np.sqrt(chroma**7 / (chroma**7 + 25.0**7)) * blue
    return np.asarray(np.sqrt(lightness**2 + colour**2 + tone**2 + twist * colour * tone))
