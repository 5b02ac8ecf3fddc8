"""One TOML file per treatment, named by its use; read by `pipeline.presets`."""
