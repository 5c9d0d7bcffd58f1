"""Recovery, verification and repair of record and index."""
