"""The decision package: what an agent proposes, and how people read it."""
