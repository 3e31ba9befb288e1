"""What is true of the whole installation: its row, its chain, its directory and its processes."""
