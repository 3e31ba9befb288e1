"""How requests come in from Slack: over HTTP or Socket Mode, signed, and proven to reach us."""
