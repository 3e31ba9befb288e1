"""Threads in Slack: what a thread does, and the forms to hold, resume and cancel it."""
