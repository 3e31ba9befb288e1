"""Slack's edge: clicks, forms and commands come in and go down the road; the real client goes out."""
