"""`countersign doctor --live CHANNEL`: a guided run in a real workspace, of what only Slack can tell."""
