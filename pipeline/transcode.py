"""One chunk: one decode, every rendition, fMP4 segments on the film's own clock."""
