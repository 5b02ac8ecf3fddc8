"""Texts found in a source become the strings that must not be found in an output."""

import re
from collections.abc import Iterable

# Shorter ones would be found by chance in any compressed picture.
SHORTEST = 4  # characters
LONGEST = 120  # characters; the beginning of a longer text gives it away as well
MOST = 160  # strings of one source; enough for every phone, few enough to search every output in milliseconds

# What engines and formats say of themselves in every file, ours included: no trace of a person.
_OURS = """
    ftyp styp sidx moov moof mfhd traf tfhd tfdt trun mdat mvhd trak tkhd mdia mdhd hdlr minf vmhd smhd dinf dref url
    stbl stsd avc1 avcC hvc1 mp4a esds btrt pasp colr nclx stts stsc stsz stco mvex trex mehd
    edts elst iso2 iso4 iso5 iso6 isom mp41 mp42 cmfc dash msdh msix qt vide soun VideoHandler SoundHandler Video Media Handler Sound Core Data
    x264 - core H.264/MPEG-4 AVC codec Copyleft http://www.videolan.org/x264.html options: threads Lavf Lavc libx264 aac
    JFIF Exif RIFF WEBP VP8 VP8L VP8X ANIM ANMF ALPH IHDR IDAT IEND PDF Type Pages Page Catalog Font XObject Image
    WEBVTT storyboard.jpg#xywh= und main high baseline true false none unknown default normal sRGB IEC61966-2.1 Display
    P3 Adobe RGB (1998) mdta mdir appl com.apple.quicktime JPEG image video audio begin xpacket
    ISO Media file produced by Google Inc. http://ns.adobe.com/xap/1.0/ http://www.w3.org/1999/02/22-rdf-syntax-ns#
"""
_HARMLESS = " ".join(_OURS.split()).casefold()
_ENGINE = re.compile(r"(Lav[fc]\d|x264 - core|com\.(apple|android)\.[\w.]+$|urn:|adobe:ns|W5M0Mp|mdta|mdirappl)")
_DATE = re.compile(r"\b((?:19|20)\d\d)[-:/.]?([01]\d)[-:/.]?([0-3]\d)(?=[T _:Z]|\b)")
# ISO 6709, as phones write it: +48.8577+002.2950+035.00/
_ISO6709 = re.compile(r"([+-]\d{2}(?:\.\d+)?)([+-]\d{3}(?:\.\d+)?)")
# XMP writes degrees and minutes: 12,20.736N
_XMP_ANGLE = re.compile(r"\b(\d{1,3}),(\d{1,2}(?:\.\d+)?)(?:,(\d{1,2}(?:\.\d+)?))?([NSEW])\b")


def needles(texts: Iterable[str], places: Iterable[tuple[float, float]] = ()) -> frozenset[str]:
    """The strings to look for: the texts that say something, the dates in them, and every place in its usual spellings.

    `places` are latitude and longitude in degrees.
    """
    found: dict[str, None] = {}
    spots = list(places)
    for text in texts:
        for latitude, longitude in _ISO6709.findall(text):
            spots.append((float(latitude), float(longitude)))
        for degrees, minutes, seconds, _ in _XMP_ANGLE.findall(text):
            angle = int(degrees) + float(minutes) / 60 + float(seconds or 0) / 3600
            found.update(dict.fromkeys(spellings(angle)))
        for year, month, day in _DATE.findall(text):
            found.update(dict.fromkeys(f"{year}{mark}{month}{mark}{day}" for mark in ("-", ":", "")))
    for latitude, longitude in spots:
        # 0, 0 is what cameras write when they do not know.
        if latitude or longitude:
            for angle in (latitude, longitude):
                found.update(dict.fromkeys(spellings(angle)))
    for text in texts:
        clean = text.strip(" \0\t\r\n")
        if tells(clean):
            found.setdefault(clean[:LONGEST])
    return frozenset(list(found)[:MOST])


def tells(text: str) -> bool:
    """Whether finding this text in an output would be a trace of its source, and no coincidence."""
    if len(text) < SHORTEST or len(set(text)) < 3 or _ENGINE.match(text):
        return False
    return text.casefold() not in _HARMLESS and any(sign.isalnum() for sign in text)


def spellings(angle: float) -> list[str]:
    """How files write an angle of `angle` degrees: as a decimal with 4 to 7 digits, in minutes, in seconds."""
    size = abs(angle)
    degrees = int(size)
    minutes = (size - degrees) * 60
    seconds = (minutes - int(minutes)) * 60
    decimals = {f"{size:.{digits}f}" for digits in (4, 5, 6, 7)}
    decimals |= {f"{int(size * 10**4) / 10**4:.4f}"}
    sexagesimal = {f"{degrees},{minutes:.{digits}f}" for digits in (2, 3, 4)}
    sexagesimal |= {f"{degrees}°{int(minutes)}'{seconds:.{digits}f}" for digits in (1, 2)}
    sexagesimal |= {f"{degrees} deg {int(minutes)}' {seconds:.2f}", f"{degrees}/1 {int(minutes)}/1"}
    return sorted(decimals | sexagesimal)
