"""The mail server of the stand-in, and the mailboxes of its people: what reaches them without Slack."""
