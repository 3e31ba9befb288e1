"""Constructors for Block Kit, and preparation of text for Slack."""
