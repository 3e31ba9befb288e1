"""`countersign policy …`."""
