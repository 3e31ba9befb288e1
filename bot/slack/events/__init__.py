"""Events that Slack sends about people, groups and channels."""
