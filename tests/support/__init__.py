"""Clients, servers and values for all tests."""
