"""ffmpeg as a child process: explicit inputs, progress, its last words when it fails."""
