"""Calls to Slack, and the meaning of its errors."""
