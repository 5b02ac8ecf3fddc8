"""The filter steps between decoder and encoder: upright, SDR, watermark, size, rate."""
