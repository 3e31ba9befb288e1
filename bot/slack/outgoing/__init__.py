"""Slack as we call it, and what its errors mean."""
