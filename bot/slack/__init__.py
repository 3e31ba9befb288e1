"""Slack's side of the service: clicks, forms, commands and events come in as commands; the Web API client goes out."""
