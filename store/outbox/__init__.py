"""Cards that must be updated in Slack, and callbacks that must be sent to agents."""
