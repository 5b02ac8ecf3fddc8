"""What the audio becomes: passed through, levelled, folded."""
