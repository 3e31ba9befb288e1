"""The installation: its row, its chain of events, its directory and its processes."""
