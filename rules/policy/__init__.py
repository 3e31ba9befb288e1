"""The policy: whether someone has to approve a proposal, and who."""
