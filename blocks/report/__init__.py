"""The report of a month, as one HTML page for a board."""
