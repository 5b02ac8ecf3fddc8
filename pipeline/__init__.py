"""The craft (a stranger's film becomes something a browser can play) and the memory (rows, bytes, names).

Nothing here has heard of a car: an asset has a preset, an opaque owner and perhaps a watermark.
"""
