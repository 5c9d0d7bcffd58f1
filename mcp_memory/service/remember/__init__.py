"""The use case remember."""
