"""One file a step, the newest at the head."""
