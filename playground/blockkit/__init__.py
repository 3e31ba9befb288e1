"""A validator of Block Kit: what Slack would refuse, and with which error."""
