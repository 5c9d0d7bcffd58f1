"""The use case recall."""
