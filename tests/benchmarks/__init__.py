"""What it costs and how well it finds: `python -m tests.benchmarks`, or `make bench`."""
