"""What Slack tells by itself of people, groups and channels."""
