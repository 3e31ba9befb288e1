"""A stand-in for Slack: answers as Slack does, refuses what it refuses, and knows nothing of the service under it."""
