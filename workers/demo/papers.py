"""What lies beside the demo film: photos as a phone writes them, an inspection sheet, the dealer's logo."""

from pathlib import Path

import pikepdf
from PIL import Image, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo

from workers.demo.brake import CENTRE, ORIGIN, brake
from workers.demo.canvas import Canvas, box, circle
from workers.demo.tyre import tyre

_ON = (255, 255, 255)


def photos(folder: Path) -> None:
    """`tyre.jpg` and `brake.jpg`: stored on their side with orientation 6, the place and the phone in their EXIF."""
    left, top = round(CENTRE[0] - ORIGIN[0] - 480), round(CENTRE[1] - ORIGIN[1] - 780)
    close = brake().crop((left, top, left + 1125, top + 1500))
    for name, picture, minute in (("tyre", tyre(), 44), ("brake", close, 46)):
        exif = Image.Exif()
        exif[0x0112] = 6
        exif[0x010F], exif[0x0110], exif[0x0131] = "Apple", "iPhone 15 Pro", "18.1"
        exif[0x0132] = f"2026:05:12 11:{minute}:07"
        exif[0x8825] = {1: "N", 2: (48.0, 52.0, 19.2), 3: "E", 4: (2.0, 19.0, 53.8), 6: 35.0}
        # Turned left, so that a viewer who turns it right, as orientation 6 says, sees it upright.
        stored = picture.resize((1500, 2000), Image.Resampling.LANCZOS).transpose(Image.Transpose.ROTATE_90)
        stored.save(folder / f"{name}.jpg", "JPEG", quality=90, exif=exif, comment=b"Lea's phone")


def logo(path: Path) -> None:
    """The dealer's logo: a headlamp and the name, on nothing. Bold, and the name as wide as the whole, so that it is
    read as a watermark of 100 px; in a colour that reads on paper and in the dark, and over any paint in a light halo.
    """
    shape = Canvas(1040, 400, 1.0)
    shape.fill([*circle(92, 84, 74, 90, 270), (158, 10), (158, 158)], _ON)
    shape.fill([*circle(92, 84, 45, 90, 270), (128, 39), (128, 129)], (0, 0, 0))
    for y in (24, 84, 144):
        shape.fill(box(186, y - 13, 100, 26, 13), _ON)
    alpha = shape.image.convert("L")
    _bold(alpha, (330, 136), "GARAGE", 144, 6, 12)
    _bold(alpha, (10, 376), "Lumière", 244, 7, 10)
    made = Image.new("RGBA", alpha.size, (200, 68, 8, 0))
    made.putalpha(alpha)
    notes = PngInfo()
    notes.add_text("Author", "Studio Lea Martin")
    made.crop(made.getbbox()).save(path, "PNG", pnginfo=notes)


def _bold(alpha: Image.Image, foot: tuple[int, int], words: str, size: int, weight: int, apart: int) -> None:
    """Write words from the left end of their foot on, `size` px high: strokes `weight` px thicker on both sides, the
    letters `apart` px further from each other.
    """
    draw, face, (x, y) = ImageDraw.Draw(alpha), ImageFont.load_default(size), foot
    for letter in words.replace("è", "`e"):
        if letter == "`":
            # The bundled face has no è: its stroke is drawn, as near to the letter as the dot is to the i.
            middle, top = x + face.getlength("e") / 2, y + face.getbbox("e", anchor="ls", stroke_width=weight)[1]
            at = [(-0.19, -0.2), (-0.04, -0.2), (0.09, -0.06), (-0.03, -0.06)]
            draw.polygon([(middle + size * right, top + size * down) for right, down in at], 255)
            continue
        draw.text((x, y), letter, 255, face, "ls", stroke_width=weight)
        x += round(face.getlength(letter)) + apart


_CHECKS = (
    ("Tyres, front", "5.8 mm / 5.6 mm", "good"),
    ("Tyres, rear", "1.6 mm inner edge", "replace now"),
    ("Brake pads, front left", "2 mm left", "replace now"),
    ("Brake discs, front", "scored, 24.1 mm", "replace with pads"),
    ("Brake pads, rear", "7 mm", "good"),
    ("Brake fluid", "3.1 % water", "change soon"),
    ("Coolant", "-32 C", "good"),
    ("Battery", "12.6 V, 78 %", "good"),
    ("Shock absorbers", "dry, even", "good"),
    ("Exhaust", "tight", "good"),
    ("Lights", "all work", "good"),
    ("Wipers", "smear on the left", "change soon"),
)
_COLOURS = {"good": "0.16 0.5 0.3", "change soon": "0.8 0.55 0.1"}


def report(path: Path) -> None:
    """Two pages of an inspection, with the author's name and tools in its metadata."""
    with pikepdf.new() as pdf:
        # In the fonts' own encoding "è" is another letter.
        font = {"/Type": pikepdf.Name.Font, "/Subtype": pikepdf.Name.Type1, "/Encoding": pikepdf.Name.WinAnsiEncoding}
        faces = pikepdf.Dictionary(
            F1=pikepdf.Dictionary(font | {"/BaseFont": pikepdf.Name.Helvetica}),
            F2=pikepdf.Dictionary(font | {"/BaseFont": pikepdf.Name("/Helvetica-Bold")}),
        )
        for number in (1, 2):
            page = pdf.add_blank_page(page_size=(595, 842))  # A4, pt
            page.Resources = pikepdf.Dictionary(Font=faces)
            page.Contents = pdf.make_stream(_page(number).encode("latin-1"))
        pdf.docinfo["/Author"] = "Lea Martin"
        pdf.docinfo["/Title"] = "Inspection AB-123-CD"
        pdf.docinfo["/Creator"] = "Workshop Suite 7.2 on LEA-LAPTOP"
        pdf.save(path, deterministic_id=True)


def _page(number: int) -> str:
    parts = [
        "0.12 0.2 0.3 rg 0 752 595 90 re f 0.98 0.77 0.24 rg 0 746 595 6 re f",
        _words(40, 800, 24, "Garage Lumi\\350re", "1 1 1", "F2"),
        _words(40, 774, 11, f"Inspection sheet, page {number} of 2    AB-123-CD    48 210 km", "0.85 0.9 0.95"),
    ]
    for n, (what, found, verdict) in enumerate(_CHECKS[(number - 1) * 7 : number * 7]):
        y = 690 - n * 44
        if n % 2 == 0:
            parts.append(f"0.95 0.96 0.97 rg 32 {y - 16} 531 44 re f")
        parts += [
            _words(44, y, 13, what, "0.1 0.1 0.12", "F2"),
            _words(250, y, 12, found, "0.25 0.25 0.3"),
            f"{_COLOURS.get(verdict, '0.75 0.15 0.12')} rg 410 {y - 8} 140 24 re f",
            _words(420, y - 1, 12, verdict, "1 1 1", "F2"),
        ]
    parts.append(
        _words(40, 40, 9, "12 rue de la Lampe, Paris. Measured on the lift, with the wheels off.", "0.4 0.4 0.45")
    )
    return "\n".join(parts)


def _words(x: float, y: float, size: float, words: str, colour: str, face: str = "F1") -> str:
    return f"BT {colour} rg /{face} {size} Tf {x} {y} Td ({words}) Tj ET"
