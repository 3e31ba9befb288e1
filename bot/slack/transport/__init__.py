"""How requests arrive from Slack: over HTTP or Socket Mode, signed, and with proof that they reach us."""
