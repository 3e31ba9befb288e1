"""Slack's Web API and Socket Mode, as the app calls them."""
