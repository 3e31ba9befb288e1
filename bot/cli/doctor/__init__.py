"""`countersign doctor`."""
