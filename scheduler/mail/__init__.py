"""Tells people by e-mail: whom, what, when Slack is away, and what the record keeps of it."""
