"""The sample agents."""
