"""The workspace: who and what there is in it, as Slack would keep it."""
