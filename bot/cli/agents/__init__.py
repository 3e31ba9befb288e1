"""`countersign agents …`."""
