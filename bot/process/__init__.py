"""The process: its connections, file descriptors, lock and shutdown."""
