"""The agents' HTTP API for threads."""
