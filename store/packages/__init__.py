"""Packages with their versions, votes, tasks, content and events."""
