"""The wide picture of the demo film: a red car on a two-post lift, its front wheel off, in a tidy workshop."""

from itertools import pairwise

from PIL import Image, ImageFilter, ImageOps

from workers.demo.brake import disc
from workers.demo.canvas import Canvas, Colour, box, circle, curve

WIDTH, HEIGHT, SCALE = 1600, 2600, 1.5  # units, px per unit
FLOOR = 1700  # y where the wall meets the floor
HUB = (497.0, 1238.0)  # the bare front hub
BEACON = (1355.0, 470.0)  # the lamp that blinks on the lift
DISC = 70.0  # radius of the brake disc

_DARK: Colour = (14, 16, 20)
_STEEL = ((0.0, (214, 219, 224)), (0.5, (130, 138, 146)), (1.0, (84, 90, 98)))


def workshop() -> Image.Image:
    """The whole scene, lit."""
    canvas = Canvas(WIDTH, HEIGHT, SCALE)
    _wall(canvas)
    _tools(canvas)
    _lift(canvas)
    _car(canvas)
    _trolley(canvas, 1195, 1490)
    _floor(canvas)
    _trolley(canvas, 1195, 1490)
    _spare_wheel(canvas)
    _lamps(canvas)
    canvas.grain(2.2, seed=7)
    return canvas.image


def _wall(canvas: Canvas) -> None:
    canvas.fill(box(0, 0, WIDTH, FLOOR), ((0, (38, 46, 56)), (0.35, (116, 128, 138)), (1, (92, 102, 112))))
    canvas.fill(box(0, 1130, WIDTH, FLOOR - 1076), ((0, (44, 62, 82)), (1, (30, 43, 58))))
    canvas.fill(box(0, FLOOR + 26, WIDTH, 28), ((0, (24, 28, 34)), (1, (12, 14, 18))))
    canvas.fill(box(0, 1118, WIDTH, 12), (226, 178, 62))
    for x in range(100, WIDTH, 200):
        canvas.line([(x, 330), (x, FLOOR)], (20, 26, 34), 2, 0.25)
    canvas.fill(box(0, 0, WIDTH, 190), ((0, (18, 22, 28)), (1, (30, 37, 45))))
    for y in (70, 150):  # roof beams
        canvas.fill(box(0, y, WIDTH, 22), ((0, (70, 78, 88)), (1, (36, 42, 50))))
    # The garage's sign.
    canvas.fill(box(520, 356, 560, 104, 14), _DARK, 0.5, soft=14)
    canvas.fill(box(520, 348, 560, 104, 14), ((0, (30, 52, 78)), (1, (20, 36, 56))))
    canvas.text(800, 400, "GARAGE LUMIÈRE", 50, (250, 236, 205))


def _tools(canvas: Canvas) -> None:
    canvas.fill(box(330, 530, 940, 292, 8), _DARK, 0.5, soft=12)
    canvas.fill(box(330, 520, 940, 292, 8), ((0, (150, 128, 98)), (1, (120, 100, 76))))
    for y in range(540, 806, 22):
        for x in range(350, 1262, 22):
            canvas.fill(box(x, y, 4, 4), (74, 60, 44), 0.8)
    for n in range(9):  # spanners, each a little longer
        x, length = 380 + n * 44, 92 + n * 13
        canvas.fill(box(x - 6, 566, 12, length, 5), _STEEL)
        for y in (562, 566 + length):
            canvas.fill(circle(x, y, 14), _STEEL)
            canvas.fill(circle(x, y + (-8 if y < 600 else 8), 7), (124, 104, 78))
    for n, colour in enumerate(((196, 58, 44), (226, 178, 62), (52, 110, 168), (60, 130, 84))):
        x = 812 + n * 42  # screwdrivers
        canvas.fill(box(x - 9, 560, 18, 62, 7), ((0, colour), (1, (30, 30, 34))))
        canvas.fill(box(x - 3, 620, 6, 88), _STEEL)
    canvas.fill(box(1000, 572, 130, 22, 6), _STEEL)  # hammer
    canvas.fill(box(1054, 590, 20, 150, 8), ((0, (150, 96, 52)), (1, (96, 58, 30))))
    canvas.line(circle(1205, 650, 44, 20, 340), (176, 52, 40), 13)  # a coiled air hose
    canvas.line(circle(1205, 650, 28, 0, 320), (140, 40, 32), 12)


def _lift(canvas: Canvas) -> None:
    for x in (205, 1320):
        canvas.fill(box(x + 14, 500, 84, FLOOR - 470), _DARK, 0.5, soft=16)
        canvas.fill(box(x, 490, 76, FLOOR - 440), ((0, (66, 112, 168)), (0.5, (40, 78, 128)), (1, (24, 46, 82))))
        canvas.fill(box(x + 8, 490, 12, FLOOR - 440), (132, 170, 214), 0.55)
        canvas.fill(box(x + 30, 560, 20, 1060), (12, 20, 34), 0.85)  # the carriage's slot
        canvas.fill(box(x - 14, 1286, 104, 128, 6), ((0, (74, 124, 180)), (1, (32, 62, 104))))
        canvas.fill(box(x - 44, FLOOR + 6, 164, 46, 4), ((0, (232, 186, 66)), (1, (160, 120, 36))))
        for n in range(5):
            left = x - 40 + n * 32
            canvas.fill(
                [(left, FLOOR + 50), (left + 16, FLOOR + 8), (left + 30, FLOOR + 8), (left + 14, FLOOR + 50)], _DARK
            )
    canvas.fill(box(180, 478, 1242, 20, 6), ((0, (84, 130, 186)), (1, (30, 58, 98))))
    for start, end in ((250, 560), (1350, 1010)):  # arms that carry the car
        canvas.fill([(start, 1320), (end, 1306), (end, 1330), (start, 1366)], ((0, (96, 104, 114)), (1, (40, 46, 54))))
        canvas.fill(box(end - 24, 1284, 48, 26, 5), ((0, (58, 62, 68)), (1, (24, 26, 30))))
    canvas.fill(box(BEACON[0] - 20, BEACON[1] - 8, 40, 18, 4), _DARK)
    canvas.fill(circle(*BEACON, 19, 180, 360), ((0, (190, 116, 30)), (1, (120, 66, 14))))


def _car(canvas: Canvas) -> None:
    under = [(340, 1240), (1250, 1240), (1210, 1296), (380, 1296)]
    canvas.fill(under, ((0, (26, 28, 32)), (1, (10, 11, 13))))
    canvas.line(curve([(620, 1290), (800, 1300), (960, 1288), (1230, 1282)]), (110, 104, 98), 12)  # exhaust
    body = curve(
        [
            *((318, 1236), (318, 1236), (300, 1188), (297, 1136), (306, 1098), (330, 1076), (420, 1048), (548, 1028)),
            *((548, 1028), (620, 962), (688, 916), (770, 897), (900, 890), (1020, 900), (1130, 926), (1150, 930)),
            *((1150, 930), (1216, 1000), (1262, 1046), (1277, 1090), (1276, 1160), (1264, 1226), (1250, 1242)),
            *((1250, 1242), (780, 1256), (330, 1242)),
        ],
        closed=True,
    )
    red = ((0, (236, 92, 74)), (0.3, (206, 46, 40)), (0.5, (224, 62, 50)), (0.62, (176, 30, 30)), (1, (84, 12, 16)))
    canvas.fill(body, red)
    # Light along the roof and the shoulder, and the wall's yellow line mirrored in the doors.
    canvas.line(
        curve([(590, 1000), (690, 920), (780, 901), (900, 895), (1020, 905), (1130, 930)]), (255, 206, 190), 5, 0.8, 1
    )
    canvas.line(
        curve([(330, 1092), (440, 1068), (640, 1062), (900, 1062), (1120, 1064), (1262, 1072)]),
        (255, 168, 150),
        6,
        0.7,
        2,
    )
    canvas.line(curve([(310, 1180), (600, 1186), (900, 1188), (1268, 1180)]), (120, 14, 18), 10, 0.7, 4)
    canvas.line(curve([(620, 1130), (850, 1134), (1010, 1132)]), (255, 150, 120), 16, 0.28, 7)
    roof = [(588, 1030), (588, 1030), (650, 968), (704, 930), (780, 914), (900, 908), (1010, 918), (1104, 940)]
    sill = [(1104, 940), (1164, 1012), (1164, 1012), (1100, 1030), (860, 1036)]
    glass = curve([*roof, *sill], closed=True)
    canvas.fill(glass, ((0, (24, 32, 42)), (0.6, (52, 66, 80)), (1, (92, 108, 120))))
    canvas.fill([(690, 940), (760, 918), (690, 1033), (612, 1031)], (190, 212, 226), 0.22)
    canvas.fill([(930, 910), (960, 912), (900, 1034), (866, 1035)], (190, 212, 226), 0.16)
    for top, foot, wide in ((838, 826, 22), (1040, 1078, 30)):  # pillars
        canvas.fill(
            [(top - wide / 2, 900), (top + wide / 2, 900), (foot + wide / 2, 1042), (foot - wide / 2, 1042)],
            (26, 20, 22),
        )
    canvas.line(glass + glass[:1], (22, 18, 20), 5)
    for seam in (
        [(610, 1034), (604, 1120), (618, 1240)],
        [(826, 1040), (830, 1150), (822, 1244)],
        [(1052, 1038), (1064, 1090), (1000, 1180)],
    ):
        canvas.line(curve(seam), (70, 8, 12), 3.5, 0.9)
    for x in (766, 974):  # handles
        canvas.fill(box(x - 30, 1084, 60, 14, 7), ((0, (250, 150, 132)), (1, (120, 18, 22))))
    canvas.fill(
        curve([(596, 1012), (628, 990), (662, 1000), (660, 1026), (612, 1032)], closed=True),
        ((0, (238, 100, 82)), (1, (110, 16, 20))),
    )
    lamp = curve([(306, 1104), (350, 1086), (404, 1082), (388, 1112), (316, 1130)], closed=True)
    canvas.fill(lamp, ((0, (244, 250, 255)), (0.5, (168, 186, 202)), (1, (94, 110, 128))))
    canvas.line(lamp + lamp[:1], (44, 10, 14), 3)
    rear = curve([(1236, 1030), (1264, 1056), (1274, 1098), (1240, 1104), (1216, 1060)], closed=True)
    canvas.fill(rear, ((0, (255, 110, 90)), (0.5, (196, 16, 24)), (1, (120, 4, 14))))
    canvas.fill(curve([(300, 1150), (344, 1156), (356, 1180), (304, 1190)], closed=True), (18, 18, 22))
    canvas.fill(box(300, 1222, 960, 22, 10), ((0, (44, 44, 48)), (1, (14, 14, 17))))
    for hub in (HUB[0], 1106.0):
        canvas.fill(circle(hub, HUB[1] - 4, 118), (10, 10, 12))
        canvas.line(circle(hub, HUB[1] - 4, 119, 186, 354), (64, 10, 14), 6)
    _wheel(canvas, 1106, HUB[1] + 6, 100)
    for y in range(1130, 1226, 14):  # the strut's coil above the bare hub
        canvas.line([(468, y), (528, y + 7)], (196, 150, 40), 7)
    disc(canvas, *HUB, DISC)


def _wheel(canvas: Canvas, x: float, y: float, radius: float) -> None:
    canvas.fill(circle(x, y, radius), ((0, (58, 60, 64)), (0.4, (28, 29, 32)), (1, (12, 12, 14))))
    canvas.line(circle(x, y, radius * 0.86), (60, 62, 66), radius * 0.02, 0.7)
    canvas.fill(circle(x, y, radius * 0.72), (20, 21, 24))
    canvas.fill(circle(x, y, radius * 0.5), (96, 100, 106))
    for n in range(5):
        for side in (-9, 9):
            foot, tip = (
                circle(x, y, radius * 0.14, n * 72 - 90, n * 72 - 90)[0],
                circle(x, y, radius * 0.7, n * 72 - 90 + side, n * 72 - 90 + side)[0],
            )
            canvas.line([foot, tip], (206, 211, 217), radius * 0.1)
    canvas.line(circle(x, y, radius * 0.7), (216, 221, 227), radius * 0.05)
    canvas.fill(circle(x, y, radius * 0.17), _STEEL)
    canvas.fill(circle(x, y, radius * 0.08), (40, 44, 50))


def _trolley(canvas: Canvas, x: float, y: float) -> None:
    canvas.fill(box(x + 10, y + 20, 280, 400), _DARK, 0.5, soft=20)
    canvas.fill(box(x, y, 280, 370, 10), ((0, (54, 60, 68)), (1, (28, 32, 38))))
    canvas.fill(box(x - 8, y - 14, 296, 22, 8), ((0, (120, 126, 134)), (1, (60, 66, 74))))
    for top, high in zip((24, 82, 140, 214, 288), (48, 48, 64, 64, 66), strict=True):
        canvas.fill(box(x + 14, y + top, 252, high, 5), ((0, (202, 62, 46)), (1, (150, 34, 28))))
        canvas.fill(box(x + 60, y + top + 8, 160, 8, 4), ((0, (236, 238, 240)), (1, (120, 126, 134))))
    for wheel in (x + 40, x + 240):
        canvas.fill(circle(wheel, y + 386, 22), (18, 18, 20))
    canvas.fill(box(x + 30, y - 44, 70, 32, 5), ((0, (236, 190, 70)), (1, (170, 126, 36))))
    canvas.fill(box(x + 170, y - 66, 26, 54, 6), ((0, (70, 140, 190)), (1, (30, 76, 116))))


def _floor(canvas: Canvas) -> None:
    """Painted concrete that mirrors what stands on it, the more the nearer it is."""
    canvas_top = round(FLOOR * canvas.scale) + 78
    stripe = canvas.image.crop((0, canvas_top - 1320, canvas.image.width, canvas_top))
    mirror = ImageOps.flip(stripe).filter(ImageFilter.GaussianBlur(9))
    room = canvas.image.height - canvas_top
    mirror = mirror.crop((0, 0, mirror.width, min(room, mirror.height)))
    canvas.fill(box(0, FLOOR + 52, WIDTH, HEIGHT), ((0, (104, 110, 114)), (0.3, (84, 90, 94)), (1, (44, 48, 52))))
    fade = Image.linear_gradient("L").resize(mirror.size).point(lambda value: round(92 - value * 0.3))
    canvas.image.paste(mirror, (0, canvas_top), fade)
    for near, far in pairwise(range(-600, 2300, 290)):
        middle = (near + far) / 2
        canvas.line(
            [(800 + (middle - 800) * 0.72, FLOOR + 52), (800 + (middle - 800) * 1.9, HEIGHT)], (30, 33, 36), 3, 0.35
        )
    for side in (-1, 1):  # the bay's yellow lines
        canvas.fill(
            [
                (800 + side * 660, FLOOR + 54),
                (800 + side * 684, FLOOR + 54),
                (800 + side * 1010, HEIGHT),
                (800 + side * 950, HEIGHT),
            ],
            (222, 176, 62),
            0.75,
        )
    canvas.fill(circle(800, FLOOR + 190, 470, flat=0.2), (16, 18, 20), 0.4, soft=46)


def _spare_wheel(canvas: Canvas) -> None:
    canvas.fill(circle(440, 1962, 150, flat=0.2), (8, 9, 10), 0.65, soft=14)
    _wheel(canvas, 440, 1850, 116)


def _lamps(canvas: Canvas) -> None:
    for x in (430, 1170):
        for dx in (-150, 150):
            canvas.line([(x + dx, 170), (x + dx * 0.9, 262)], (20, 22, 26), 3)
        canvas.fill(box(x - 200, 258, 400, 26, 8), ((0, (60, 66, 74)), (1, (150, 158, 166))))
        canvas.fill(box(x - 188, 278, 376, 14, 7), (255, 252, 240))
        canvas.glow(x, 286, 560, (255, 246, 222), 0.34, flat=0.62)
        canvas.glow(x, 286, 260, (255, 250, 236), 0.5, flat=0.3)
        canvas.glow(x, FLOOR + 240, 430, (255, 244, 220), 0.2, flat=0.3)
    canvas.glow(*HUB, 260, (255, 214, 150), 0.22)
