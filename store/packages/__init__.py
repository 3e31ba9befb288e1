"""Packages and what belongs to them: versions, votes, tasks, words and events."""
