"""A TOML file becomes a `Preset`; all its faults are reported at once."""
