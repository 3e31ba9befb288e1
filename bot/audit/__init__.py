"""The audit trail as a file: exported, and verified without a server."""
