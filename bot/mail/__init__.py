"""The mail server: its settings, its client, and what starts sending."""
