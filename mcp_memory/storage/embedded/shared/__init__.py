"""What record, index and repair share."""
