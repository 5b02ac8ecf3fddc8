"""Texts found in a source become the strings that must not be found in an output."""

import re
from collections.abc import Iterable

# Shorter ones would be found by chance in any compressed picture.
SHORTEST = 4  # characters
LONGEST = 120  # characters; the beginning of a longer text gives it away as well
# Strings of one source: texts, and beside them places and dates, of which a long history of edits is full. Enough for
# every phone, few enough to search every output in milliseconds.
MOST_TEXTS, MOST_OTHERS = 300, 160

# Words that engines, formats and their namespaces use in every file, ours included: no trace of a person.
_WORDS = """
    ftyp styp moov moof mdat trex avc1 hvc1 mp4a isom iso2 iso5 iso6 mp41 mp42 cmfc dash msdh msix vide soun mdta mdir
    appl videohandler soundhandler subtitlehandler core media data handler video audio sound metadata image picture
    lavf lavc libx264 h.264 hevc aac options threads jfif exif riff webp vp8 vp8l vp8x anim anmf alph ihdr idat iend
    gif87a gif89a type pages page catalog font xobject webvtt und main high baseline true false none unknown default
    normal standard srgb iec61966-2.1 display p3 adobe rgb (1998) ascii unicode jpeg begin end w id earth wgs-84 prof
    iso file produced by google inc. bplist00 xpacket other saved image/jpeg
    datahandler metahandle stereo mono coding avc jvt/avc avc1
"""
_EVERYONES = frozenset(_WORDS.split())
# What stands in our own outputs word for word, so that a part of it proves nothing: Android's "VideoHandle" is in it,
# and so are the alphabets of JPEG's usual Huffman tables (ITU-T T.81, K.3).
_WRITTEN = """
    VideoHandler SoundHandler Lavc libx264 iso5iso6mp41 WEBVTT storyboard.jpg#xywh= JFIF RIFF WEBPVP8X
    %&'()*3456789:CDEFGHIJSTUVWXYZcdefghijstuvwxyz
""".casefold()
_ENGINE = re.compile(
    r"Lav[fc]\d|x264 - core|com\.(apple|android)\.[\w.-]+$|urn:|adobe:ns|W5M0Mp|.?mdta|mdirappl"
    r"|[/?]?\w+:\w+$|\?xpacket|https?://(ns\.|purl\.org|www\.w3\.org|iptc\.org|cipa\.jp)"
)
# Digits alone, unless there are as many as in a serial number or a place: times in a subtitle file look the same.
_NUMBER = re.compile(r"[\d.,:;/+ -]{1,6}$")
# Languages, as in "de-DE": a document says in which one it is written. Source: RFC 5646
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[A-Z][a-z]{3})?-[A-Z]{2}$")
_DATE = re.compile(r"\b((?:19|20)\d\d)[-:/.]?([01]\d)[-:/.]?([0-3]\d)(?=[T _:Z]|\b)")
# ISO 6709, as phones write it: +48.8577+002.2950+035.00/
_ISO6709 = re.compile(r"([+-]\d{2}(?:\.\d+)?)([+-]\d{3}(?:\.\d+)?)")
# XMP writes degrees and minutes: 12,20.736N
_XMP_ANGLE = re.compile(r"\b(\d{1,3}),(\d{1,2}(?:\.\d+)?)(?:,(\d{1,2}(?:\.\d+)?))?([NSEW])\b")


def needles(texts: Iterable[str], places: Iterable[tuple[float, float]] = ()) -> frozenset[str]:
    """The strings to look for: the texts that say something, the dates in them, and every place in its usual spellings.

    `places` are latitude and longitude in degrees.
    """
    dated: dict[str, None] = {}
    placed: dict[str, None] = {}
    spots = list(places)
    telling = [clean for text in texts if tells(clean := text.strip(" \0\t\r\n"))]
    for text in telling:
        for latitude, longitude in _ISO6709.findall(text):
            spots.append((float(latitude), float(longitude)))
        for degrees, minutes, seconds, _ in _XMP_ANGLE.findall(text):
            angle = int(degrees) + float(minutes) / 60 + float(seconds or 0) / 3600
            placed.update(dict.fromkeys(spellings(angle)))
        for year, month, day in _DATE.findall(text):
            dated.update(dict.fromkeys(f"{year}{mark}{month}{mark}{day}" for mark in ("-", ":", "")))
    for latitude, longitude in spots:
        # 0, 0 is what cameras write when they do not know.
        if latitude or longitude:
            for angle in (latitude, longitude):
                placed.update(dict.fromkeys(spellings(angle)))
    said = dict.fromkeys(text[:LONGEST] for text in telling)
    return frozenset([*list(said)[:MOST_TEXTS], *list(placed | dated)[:MOST_OTHERS]])


def tells(text: str) -> bool:
    """Whether finding this text in an output would be a trace of its source, and no coincidence."""
    if len(text) < SHORTEST or _ENGINE.match(text) or _NUMBER.match(text) or _LANGUAGE.match(text):
        return False
    if len(set(text)) < 3 or not any(sign.isalnum() and sign != "0" for sign in text):
        return False
    return text.casefold() not in _WRITTEN and not all(word in _EVERYONES for word in text.casefold().split())


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
