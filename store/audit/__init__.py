"""Reads the audit record, and empties content after its retention period."""
