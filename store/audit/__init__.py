"""The record read back, and what retention empties."""
