"""Clicks, forms and commands for threads."""
