"""What time does, and what must be shown: ticks that find what is due, and delivery to Slack."""
