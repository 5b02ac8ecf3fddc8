"""Measure what was made; refuse it if it is not what was decided: upright, SDR, in sync, whole, clean.

The witness is not the maker: films, made by the ffmpeg program, and still pictures, made by Pillow, are read with PyAV;
documents are walked object by object. Every function here ends in facts that were measured,
or in ProofFailed with the value and the limit; nothing is repaired.

`make` calls, after making: `chunk` · `still` (poster, storyboard, preview) · `sizes` · `clean` (any other file, such as
the storyboard's text) · `documents.document`, imported with it: a film's children do not load what reads PDFs.
"""

from pipeline.proof.chunks import chunk
from pipeline.proof.expect import clean
from pipeline.proof.stills import sizes, still

__all__ = ["chunk", "clean", "sizes", "still"]
