"""The use case forget."""
