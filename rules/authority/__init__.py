"""Who may decide, whose votes fill a quorum, and how much silence counts."""
