"""The local socket between the daemon and its clients: standard library only."""
