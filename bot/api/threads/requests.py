"""The request bodies and queries of the routes for threads and handoffs."""

from __future__ import annotations

from typing import Literal

from bot.api.requests import RequestShape, WaitQuery
from rules.package.fields import Id, Sentence
from rules.threads.commands import StateData
from rules.threads.handoff import HandoffMode, HandoffStatus


class CheckpointRequest(RequestShape):
    """A point from which the agent can go on."""

    checkpoint_id: Id
    summary: Sentence
    state: StateData | None = None


class HandoffRequest(RequestShape):
    """Which thread to hand over, to whom, and what the other agent must know."""

    thread_id: Id
    to_agent: Id
    reason: Sentence
    mode: HandoffMode = HandoffMode.PEER
    captured_state: StateData | None = None
    user_context: StateData | None = None
    decision_package_id: Id | None = None


class EmptyRequest(RequestShape):
    """Nothing: send `{}`."""


class DeclineRequest(RequestShape):
    """Why not."""

    reason: Sentence | None = None


class ReturnRequest(RequestShape):
    """What came of it: a sentence for people, and whatever the other agent needs."""

    result: Sentence
    result_state: StateData | None = None


class HandoffWaitQuery(WaitQuery):
    status: HandoffStatus | None = None


class HandoffListQuery(WaitQuery):
    status: HandoffStatus | None = None
    thread_id: Id | None = None
    direction: Literal["received", "given"] = "received"
