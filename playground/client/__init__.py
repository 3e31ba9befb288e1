"""People and their Slack clients: what they see and do, and what Slack then sends to the app."""
