"""The agents' HTTP API, and its description."""
