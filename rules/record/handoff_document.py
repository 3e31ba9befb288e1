"""The document of a handoff, which both of its agents read and callbacks carry."""

from __future__ import annotations

from collections.abc import Mapping

from rules.record.chain import rfc3339
from rules.record.status_document import Document
from rules.state.transition import Words
from rules.threads.handoff import Handoff, HandoffStatus


def handoff_summary(handoff: Handoff, agent_names: Mapping[str, str]) -> Document:
    """A handoff without its texts, as the document of its thread lists it."""
    return {
        "handoff_id": handoff.handoff_id,
        "status": handoff.status.value,
        "mode": handoff.mode.value,
        "from_agent": agent_names.get(handoff.from_agent),
        "from_agent_id": handoff.from_agent,
        "to_agent": agent_names.get(handoff.to_agent),
        "to_agent_id": handoff.to_agent,
        "offered_at": rfc3339(handoff.offered_at),
        "due_at": rfc3339(handoff.due_at) if handoff.due_at else None,
        "decision_package_id": handoff.decision_package_id,
    }


def listed_handoff(thread_id: str, handoff: Handoff, reason: object, agent_names: Mapping[str, str]) -> Document:
    """A handoff in a list: without the states, which can be large."""
    return handoff_summary(handoff, agent_names) | {"thread_id": thread_id, "reason": reason}


def handoff_document(
    thread_id: str, handoff: Handoff, texts: Mapping[str, Words], agent_names: Mapping[str, str]
) -> Document:
    """`texts`: of the offer and of the answer, by event. Retention may have erased them."""
    offer, answer = texts.get(handoff.event_id, {}), texts.get(handoff.answer_event_id or "", {})
    return listed_handoff(thread_id, handoff, offer.get("reason"), agent_names) | {
        "captured_state": offer.get("captured_state"),
        "user_context": offer.get("user_context"),
        "decline_reason": answer.get("reason") if handoff.status is HandoffStatus.DECLINED else None,
        "result": answer.get("result"),
        "result_state": answer.get("result_state"),
    }
