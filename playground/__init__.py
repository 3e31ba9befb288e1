"""A stand-in for Slack. It answers and refuses as Slack does, and knows nothing about the service that talks to it."""
