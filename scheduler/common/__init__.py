"""Shared by all parts of the scheduler: the Slack client as they see it, clock commands, and shutdown."""
