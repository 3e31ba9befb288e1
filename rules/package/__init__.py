"""The decision package: what an agent proposes, and how it is shown to people."""
