"""The daemon: the one process that owns a store and serves every proxy to it."""
