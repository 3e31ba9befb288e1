"""People and agents: who somebody is, what the policy lets them do, and when they are at work."""
