"""The HTTP client for callbacks, and the addresses that it may call."""
