"""Slack is made to agree with the database, within Slack's rate."""
