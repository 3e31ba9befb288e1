"""Handing over: all that a person needs to go on where the agent stops, and then hands off."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from countersign.proposal import MAX_TITLE, Proposal, Takeover, one_line


def hand_over(
    thread_id: str,
    *,
    summary: str,
    stopping_reason: str,
    work_completed: Sequence[str] = (),
    current_state: Mapping[str, Any] | str = "",
    next_steps: Sequence[str] = (),
) -> Proposal:
    """What `client.request(**hand_over(…))` proposes: that a person takes this thread over.

    From then on nothing of this thread is accepted and nothing can be claimed (ThreadTakenOverError), until a person
    hands it back, which `handle.handed_back()` waits for. Where nobody takes it over, that raises NotTakenOverError.
    """
    takeover: Takeover = {
        "summary": summary,
        "stopping_reason": stopping_reason,
        "work_completed": list(work_completed),
        "current_state": current_state,
        "next_steps": list(next_steps),
    }
    return {
        "kind": "output",
        "title": one_line(f"Please take over: {summary}", MAX_TITLE),
        "action_type": "hand_over",
        "proposed_action": "Take this thread over from the agent.",
        "rationale": stopping_reason,
        "risk_level": "medium",
        "confidence": 0.0,
        "recommendation": "escalate",
        "thread_id": thread_id,
        "takeover": takeover,
    }
