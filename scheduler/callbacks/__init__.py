"""Callbacks are sent to the agents, and sent again until they arrive."""
