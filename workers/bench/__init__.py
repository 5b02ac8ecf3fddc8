"""The numbers: every real file and every hostile one through the whole craft, canaries, and what a minute costs."""
