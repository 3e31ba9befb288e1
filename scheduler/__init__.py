"""What the clock does and what must be shown: interval jobs that find what is due, and delivery to Slack and agents."""
