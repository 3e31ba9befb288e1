"""Agents, their keys and their secrets."""
