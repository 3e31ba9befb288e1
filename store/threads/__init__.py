"""The records of threads: stored, changed by commands, and read by agents and people."""
