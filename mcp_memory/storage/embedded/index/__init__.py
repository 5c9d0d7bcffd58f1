"""The index: SQLite, a projection of the record that reads are answered from."""
