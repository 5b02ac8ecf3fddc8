"""The close picture of the demo film: a brake disc with a scored face, and a caliper whose pad is nearly gone."""

from math import cos, pi, sin

import numpy as np
from PIL import Image, ImageDraw

from workers.demo.canvas import FINE, Canvas, box, circle, curve

ORIGIN, WIDTH, HEIGHT = (-400.0, -300.0), 2200, 3200  # px
CENTRE = (700.0, 1230.0)
RADIUS = 520.0  # of the disc

_IRON = ((0.0, (150, 152, 154)), (0.35, (104, 106, 108)), (0.8, (66, 67, 70)), (1.0, (40, 41, 44)))


def brake() -> Image.Image:
    """The hub in its wheel arch, evenly lit; the film adds the torch."""
    canvas = Canvas(WIDTH, HEIGHT, 1.0, (34, 34, 38), ORIGIN)
    canvas.fill(circle(CENTRE[0], CENTRE[1] - 30, 1400), ((0, (96, 93, 92)), (0.5, (70, 68, 70)), (1, (40, 40, 43))))
    for n in range(26):  # the arch liner's ribs
        a = (180 + n * 7.2) * pi / 180
        far, near = (
            (CENTRE[0] + cos(a) * 930, CENTRE[1] + sin(a) * 930),
            (CENTRE[0] + cos(a) * 560, CENTRE[1] + sin(a) * 560),
        )
        canvas.line([far, near], (28, 28, 31), 10, 0.45, 3)
    fender = [(-400, -300), (1800, -300), (1800, 560), *circle(CENTRE[0], CENTRE[1] - 30, 930, 320, 220), (-400, 560)]
    canvas.fill(fender, ((0, (226, 70, 58)), (0.6, (196, 40, 38)), (1, (120, 18, 22))))
    canvas.line(circle(CENTRE[0], CENTRE[1] - 30, 930, 220, 320), (60, 8, 12), 26, 0.9, 4)
    canvas.line(circle(CENTRE[0], CENTRE[1] - 30, 962, 220, 320), (255, 150, 130), 8, 0.6, 4)
    canvas.fill(box(660, 300, 84, 560, 20), ((0, (64, 66, 70)), (1, (30, 31, 34))))
    for n in range(9):  # the spring behind
        y = 330 + n * 62
        canvas.line(curve([(560, y), (700, y + 34), (850, y + 20)]), (172, 132, 36), 32)
        canvas.line(curve([(566, y - 9), (700, y + 24), (840, y + 10)]), (238, 204, 110), 6, 0.7)
    canvas.line(curve([(1180, 620), (1300, 760), (1260, 980), (1330, 1200)]), (26, 26, 28), 34)  # brake hose
    canvas.line(curve([(1174, 620), (1292, 760), (1252, 980), (1322, 1200)]), (92, 92, 96), 6, 0.8, 2)
    canvas.fill([(-400, 1900), (1800, 1640), (1800, 1750), (-400, 2040)], ((0, (84, 80, 78)), (1, (34, 33, 34))))
    disc(canvas, *CENTRE, RADIUS)
    canvas.grain(3.0, seed=3)
    canvas.grain(20, seed=4, blur=1.2)
    return canvas.image


def disc(canvas: Canvas, x: float, y: float, radius: float) -> None:
    """A brake disc with its hub and caliper; both pictures share it, so that one fades into the other."""
    canvas.fill(circle(x + radius * 0.03, y + radius * 0.05, radius * 1.02), (6, 6, 7), 0.7, soft=radius * 0.05)
    canvas.fill(circle(x, y, radius), ((0, (150, 96, 62)), (1, (92, 54, 36))))  # the rusty rim
    _metal(canvas, x, y, radius * 0.975)
    canvas.line(circle(x, y, radius * 0.6), (92, 62, 46), radius * 0.03)
    canvas.fill(circle(x, y, radius * 0.575), ((0, (136, 92, 66)), (0.5, (102, 68, 50)), (1, (66, 42, 32))))
    canvas.fill(circle(x, y, radius * 0.5), ((0, (128, 124, 120)), (1, (74, 72, 72))))
    for n in range(5):
        a = (n * 72 - 54) * pi / 180
        sx, sy = x + cos(a) * radius * 0.35, y + sin(a) * radius * 0.35
        canvas.fill(
            circle(sx + radius * 0.01, sy + radius * 0.015, radius * 0.066), (20, 20, 22), 0.7, soft=radius * 0.01
        )
        canvas.fill(circle(sx, sy, radius * 0.058), ((0, (232, 234, 236)), (0.5, (140, 144, 148)), (1, (70, 72, 76))))
        canvas.fill(circle(sx, sy, radius * 0.026), (44, 46, 50))
    canvas.fill(circle(x, y, radius * 0.19), ((0, (70, 70, 72)), (1, (150, 152, 154))))
    canvas.fill(circle(x, y, radius * 0.16), ((0, (178, 180, 182)), (1, (82, 84, 88))))
    canvas.fill(circle(x, y, radius * 0.07), (30, 31, 34))
    _caliper(canvas, x, y, radius)


def _metal(canvas: Canvas, x: float, y: float, radius: float) -> None:
    """Turned steel: light in two fans, grooves in rings."""
    scale = canvas.scale
    size = round(2 * radius * scale)
    v, u = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]
    far, turn = np.hypot(u, v), np.arctan2(v, u)
    fan = 0.55 + 0.3 * np.cos(2 * (turn - 0.9)) + 0.1 * np.cos(4 * turn + 1)
    rings = np.random.default_rng(11).normal(0, 1, 260)
    groove = np.interp(far, np.linspace(0, 1.5, 260), rings) * 0.035
    worn = -0.16 * np.exp(-(((far - 0.82) / 0.02) ** 2)) - 0.12 * np.exp(-(((far - 0.72) / 0.012) ** 2))
    grey = np.clip(fan + groove + worn, 0.1, 1.0)[..., None] * np.array([206, 210, 216])
    mask = Image.new("L", (size * FINE, size * FINE))
    ImageDraw.Draw(mask).ellipse((0, 0, size * FINE - 1, size * FINE - 1), 255)
    face = Image.fromarray(grey.astype(np.uint8))
    canvas.image.paste(face, canvas.at(x - radius, y - radius), mask.reduce(FINE))


def _caliper(canvas: Canvas, x: float, y: float, radius: float) -> None:
    """A floating caliper over the disc's upper right, with a window that shows how little the pad has left."""

    def ring(inner: float, outer: float, start: float, end: float) -> list[tuple[float, float]]:
        return circle(x, y, radius * outer, start, end) + circle(x, y, radius * inner, end, start)

    def at(far: float, turn: float) -> tuple[float, float]:
        return x + cos(turn * pi / 180) * radius * far, y + sin(turn * pi / 180) * radius * far

    canvas.fill(ring(0.6, 1.2, -74, -2), (4, 4, 5), 0.7, soft=radius * 0.05)
    canvas.fill(ring(0.62, 0.99, -70, -7), ((0, (92, 86, 80)), (1, (50, 46, 44))))  # the pad's back plate
    canvas.fill(ring(0.985, 1.15, -76, -2), _IRON)  # the bridge
    canvas.fill(ring(0.6, 0.83, -66, -11), _IRON)  # the fingers
    for start, end in ((-66, -52), (-26, -11)):
        canvas.fill(ring(0.8, 1.02, start, end), _IRON)
    # Through the window: plate, two millimetres of lining, disc. The worn pad.
    canvas.fill(ring(0.84, 0.98, -51, -27), (26, 22, 20))
    canvas.fill(ring(0.93, 0.975, -50, -28), ((0, (132, 128, 122)), (1, (96, 92, 88))))
    canvas.fill(ring(0.908, 0.93, -50, -28), ((0, (206, 92, 44)), (1, (150, 56, 26))))
    canvas.line(circle(x, y, radius * 0.905, -50, -28), (246, 214, 180), radius * 0.006, 0.9)
    for start, end, far in ((-74, -4, 1.13), (-65, -12, 0.815)):
        canvas.line(circle(x, y, radius * far, start, end), (220, 222, 224), radius * 0.014, 0.55, radius * 0.006)
    for turn in (-71, -7):  # slide pins
        canvas.fill(circle(*at(1.07, turn), radius * 0.06), ((0, (170, 172, 174)), (1, (60, 61, 64))))
        canvas.fill(circle(*at(1.07, turn), radius * 0.03), (28, 29, 31))
    # The technician's chalk: look here.
    chalk = [at(0.915 + 0.13 * cos(t / 9.0) * (1 + t / 900), -39 + 17 * sin(t / 9.0)) for t in range(0, 62)]
    canvas.line(chalk, (255, 226, 84), radius * 0.016, 0.9)
