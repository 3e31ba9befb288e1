"""What Slack and the agents are still to be told."""
