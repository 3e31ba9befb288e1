"""How a state looks: pure functions from a package's state to Block Kit, within Slack's limits."""
