"""People at their Slack: what they see and do, and what Slack sends to the app for it."""
