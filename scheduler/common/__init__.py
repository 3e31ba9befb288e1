"""What all parts of the scheduler need: Slack as they see it, and how they ask and end."""
