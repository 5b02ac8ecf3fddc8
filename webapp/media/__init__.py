"""Media under short-lived signed paths: playlists made from rows, and proved bytes from storage."""
