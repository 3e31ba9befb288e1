"""The receivers of the operators' feed: a webhook, and a file."""
