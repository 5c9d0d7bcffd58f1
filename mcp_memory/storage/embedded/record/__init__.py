"""The record: DuckDB, the truth."""
