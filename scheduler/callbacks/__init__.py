"""Sends callbacks to agents and retries them until they arrive."""
