"""What may happen: pure values and functions. No clock, no database, no Slack, no network."""
