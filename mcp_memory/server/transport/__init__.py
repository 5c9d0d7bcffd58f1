"""JSON-RPC over lines: stdio, and the local socket of the daemon."""
