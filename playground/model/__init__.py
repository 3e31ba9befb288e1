"""The workspace and everything in it, as Slack keeps it."""
