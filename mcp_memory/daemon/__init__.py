"""The host: the one process that owns a store and serves every door to it."""
