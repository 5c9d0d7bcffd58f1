"""Settings, from the environment and config.toml, and logging."""
