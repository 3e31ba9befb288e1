"""The process itself: its connections, descriptors, locks, and how it ends."""
