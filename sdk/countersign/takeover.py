"""Hand a thread over to a person, with everything that they need to continue."""

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
    """The fields of a proposal that asks a person to take over this thread: `client.request(**hand_over(…))`.

    From then on the service refuses proposals and claims in this thread (`ThreadTakenOverError`) until a person hands
    it back. `handle.handed_back()` waits for that; it raises `NotTakenOverError` if nobody takes the thread over.
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
