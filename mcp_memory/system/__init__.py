"""The operating system: files, processes, paths; standard library only."""
