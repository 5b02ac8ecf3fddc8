"""The demo's tyre photo: a tread worn smooth on its inner edge, with a depth gauge across it."""

from PIL import Image, ImageFilter

from workers.demo.canvas import Canvas, box, circle, curve

WIDTH, HEIGHT = 1500, 2000  # px


def tyre() -> Image.Image:
    """The tyre as it stands, seen from behind."""
    canvas = Canvas(WIDTH, HEIGHT, 1.0)
    canvas.fill(box(0, 0, WIDTH, HEIGHT), ((0, (120, 130, 138)), (0.55, (76, 86, 94)), (1, (52, 58, 62))))
    canvas.fill(box(0, 1640, WIDTH, 360), ((0, (112, 114, 112)), (1, (70, 72, 72))))
    canvas.image = canvas.image.filter(ImageFilter.GaussianBlur(10))
    canvas.fill(circle(770, 1900, 620, flat=0.12), (10, 10, 10), 0.8, soft=30)
    canvas.fill(box(250, 90, 1010, 1830, 190), (16, 16, 18))
    for row in range(1, 15):
        # Rows lie closer where the tread turns away, above and below.
        y, high = _turned(row), max(4.0, _turned(row + 1) - _turned(row) - 15)
        shade = int(74 - abs(y - 1000) * 0.045)
        _row(canvas, y, high, shade)
    for x in (452, 612, 800, 990):
        canvas.fill(box(x, 100, 24, 1810, 12), (9, 9, 10))
    # The inner shoulder: no blocks are left, threads shine through.
    canvas.fill(box(1010, 130, 196, 1750, 90), ((0, (34, 34, 36)), (0.5, (84, 82, 82)), (1, (30, 30, 32))), 0.96)
    for n in range(150):
        y = 240 + n * 10.4
        canvas.line([(1056 + n * 37 % 60, y), (1092 + n * 53 % 84, y + 5)], (126, 118, 110), 2.5, 0.34)
    canvas.fill(
        curve([(1040, 700), (1130, 690), (1166, 860), (1120, 1090), (1050, 1040)], closed=True),
        (148, 128, 108),
        0.3,
        soft=18,
    )
    for left in (250, 1180):
        canvas.fill(box(left, 100, 80, 1810, 40), (4, 4, 5), 0.62, soft=26)
    canvas.fill(box(500, 110, 200, 1780, 90), (255, 255, 255), 0.07, soft=46)
    _gauge(canvas)
    canvas.grain(4, seed=21)
    canvas.grain(14, seed=22, blur=1.0)
    return canvas.image


def _turned(row: float) -> float:
    away = (row - 7.5) / 9.0
    return 1000 + 940 * (1.5 * away - 0.5 * away**3)


def _row(canvas: Canvas, y: float, high: float, shade: int) -> None:
    light, dark = (shade + 20,) * 3, (max(8, shade - 22),) * 3
    paint = ((0.0, light), (0.3, (shade,) * 3), (1.0, dark))
    for n, (left, right) in enumerate(((270, 448), (480, 608), (640, 796), (828, 986))):
        lean = 26 if n % 2 else -26
        canvas.fill([(left, y), (right, y + lean), (right, y + high + lean), (left, y + high)], paint)
        middle = (left + right) / 2
        canvas.line(
            [(middle - 30, y + high * 0.2 + lean / 2), (middle + 34, y + high * 0.75 + lean / 2)], (12, 12, 13), 5
        )
    canvas.fill([(1018, y), (1230, y + 20), (1230, y + high + 20), (1018, y + high)], paint)


def _gauge(canvas: Canvas) -> None:
    """A slide gauge, its foot in a groove: it reads 1.6 mm."""
    canvas.fill(box(860, 1010, 560, 150, 18), (0, 0, 0), 0.55, soft=22)
    canvas.fill(box(846, 978, 560, 150, 18), ((0, (252, 214, 74)), (0.5, (240, 184, 40)), (1, (186, 128, 20))))
    canvas.fill(box(820, 1012, 60, 84, 8), ((0, (224, 228, 232)), (1, (120, 126, 134))))
    for n in range(21):
        long = 44 if n % 5 == 0 else 24
        canvas.line([(910 + n * 20, 984), (910 + n * 20, 984 + long)], (40, 30, 10), 4)
    canvas.text(1240, 1076, "1.6 mm", 62, (46, 34, 12))
    canvas.fill(box(930, 1046, 130, 66, 8), ((0, (206, 60, 46)), (1, (140, 28, 24))))
