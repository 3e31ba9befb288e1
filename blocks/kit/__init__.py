"""The pieces of Block Kit that we use, and text on its way to Slack."""
