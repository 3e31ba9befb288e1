"""Why there is no demo: a sentence for whoever started it."""

from __future__ import annotations


class DemoError(Exception):
    """The demo cannot start; the sentence says why and what to do."""
