"""What lies beside the demo film: photos as a phone writes them, an inspection sheet, the dealer's logo."""

from pathlib import Path

import pikepdf
from PIL import Image, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo

from workers.demo.brake import CENTRE, ORIGIN, brake
from workers.demo.canvas import Canvas, box, circle
from workers.demo.tyre import tyre


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
    """The dealer's logo: a headlamp and the name, on nothing; colours that read on paper and in a dark workshop."""
    shape = Canvas(900, 260, 1.0)
    shape.fill(circle(130, 130, 92, 90, 270) + circle(150, 130, 92, -90, 90), (255, 255, 255))
    shape.fill(circle(132, 130, 70, 90, 270) + circle(132, 130, 40, -90, 90), (0, 0, 0))
    for n, y in enumerate((78, 130, 182)):
        shape.fill(box(258, y - 9, 92 - abs(n - 1) * 24, 18, 9), (255, 255, 255))
    alpha = shape.image.convert("L")
    draw = ImageDraw.Draw(alpha)
    draw.text((386, 92), "Garage", 255, ImageFont.load_default(74), anchor="lm")
    big = ImageFont.load_default(108)
    draw.text((382, 178), "Lumiere", 255, big, anchor="lm")
    # The bundled face has no è: its stroke is drawn.
    middle = 382 + big.getlength("Lumi") + big.getlength("e") / 2
    draw.line([(middle - 18, 118), (middle + 6, 136)], 255, 10)
    made = Image.new("RGBA", alpha.size, (232, 150, 20, 0))
    made.paste((190, 86, 40), (360, 0, 900, 260))
    made.putalpha(alpha)
    notes = PngInfo()
    notes.add_text("Author", "Studio Lea Martin")
    made.crop(made.getbbox()).save(path, "PNG", pnginfo=notes)


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
