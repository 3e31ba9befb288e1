"""The error that any command may raise."""

from __future__ import annotations


class CommandError(Exception):
    """A command cannot be carried out; the message says why and what to do."""
