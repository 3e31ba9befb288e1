"""How a state looks: pure functions from a state to Block Kit, and Slack's limits, which they keep."""
