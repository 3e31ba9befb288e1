"""The client that sends callbacks, and the addresses that it may call."""
