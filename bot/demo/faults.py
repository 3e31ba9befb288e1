"""The error that stops the demo from starting."""

from __future__ import annotations


class DemoError(Exception):
    """The demo cannot start. The message says why, and what to do."""
