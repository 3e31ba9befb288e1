"""Executes commands: loads what the rules need, decides, and writes the result."""
