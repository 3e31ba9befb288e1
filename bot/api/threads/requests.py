"""The request bodies of the routes for threads."""

from __future__ import annotations

from bot.api.requests import RequestShape
from rules.package.model import Id, Sentence
from rules.threads.commands import StateData


class CheckpointRequest(RequestShape):
    """A point from which the agent can go on."""

    checkpoint_id: Id
    summary: Sentence
    state: StateData | None = None
