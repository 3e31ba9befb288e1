"""The audit trail as a file: written, and proven without a server."""
