"""Keeps the cards in Slack in agreement with the database, within Slack's rate limits."""
