"""A row for each decision of a package: what was proposed, who decided what and why, and what came of it.

Every vote of a person is a row, and every decision by silence, by the policy or by time. What was true when someone
decided comes from the events before the decision, so a row never changes but for what came later: `status`, `outcome`
and `verdict`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import chain
from typing import Any

from rules.package.diff import value_changes
from rules.package.model import DecisionPackage
from rules.record.chain import Event
from rules.record.evidence import Trail
from rules.record.redaction import Path, redact
from rules.state.commands import HumanDecisionType
from rules.state.decisions import Basis
from rules.state.events import EventType

Row = dict[str, Any]

COLUMNS = (
    "decision_id", "decided_at", "decision_package_id", "package_version", "agent", "action_type", "kind", "risk",
    "reversibility", "confidence", "level", "why", "policy_version", "requested_by", "decided_by", "person", "role",
    "decision", "override_decision", "tags", "comment", "answer_data", "edits", "seconds", "settled", "status",
    "outcome", "verdict", "package",
)  # fmt: skip

_BY: Mapping[str, str] = {
    Basis.SILENT_CONSENT: "silence",
    Basis.POLICY: "policy",
    Basis.TIMEOUT: "time",
    Basis.EXCEPTION: "exception",
}
_COMMENTS = ("instructions", "override_reason", "answer", "comment")
_FIELDS = tuple(DecisionPackage.model_fields)
_PARTIES = ("requested_by", "on_behalf_of")  # people, who have pseudonyms


def decision_rows(
    trail: Trail, agents: Mapping[str, str], pseudonym: Callable[[str], str], hidden: Sequence[Path] = ()
) -> Iterator[Row]:
    """The rows of an intact trail, oldest first. `agents`: names by id. `hidden`: paths in a row that are redacted."""
    words = {stored.event_id: stored.words for stored in trail.contents}
    hidden_fields = [path[1:] for path in hidden if path[0] == "package"]
    end = trail.claim.state if trail.claim and trail.claim.state else {}
    state: Row = {}
    edited_from: Row | None = None  # the version that the present one was edited from, by a person
    for event, following in zip(trail.events, chain(trail.events[1:], [None]), strict=True):
        before, state = state, state | event["change"]
        if event["event_type"] == EventType.PACKAGE_VERSION_ADDED:
            edited_from = _content(words, before) if "edited_by" in (words.get(event["event_id"]) or {}) else None
        if not _is_decision(event):
            continue
        package = _content(words, state)
        row = {
            **_circumstances(event, state, agents),
            **_decided(event, state, words, pseudonym),
            "role": _role(event, following),
            "requested_by": pseudonym(state["requester"]) if state.get("requester") else None,
            "edits": _edits(edited_from, package, hidden_fields),
            "settled": state["status"] != before.get("status") or _settles(following),
            "status": end.get("status"),
            "outcome": end.get("execution", {}).get("state"),
            "verdict": end.get("verdict"),
            "package": package and {name: value for name, value in package.items() if name not in _PARTIES},
        }
        yield redact({name: row[name] for name in COLUMNS}, hidden)


def _is_decision(event: Event) -> bool:
    """A person's, or one that no person made: those by votes come right after the vote that completes the quorum."""
    return event["event_type"] == EventType.HUMAN_DECISION_RECORDED or event["basis"] in _BY


def _settles(following: Event | None) -> bool:
    return following is not None and following["basis"] in (Basis.HUMAN, Basis.QUORUM)


def _circumstances(event: Event, state: Row, agents: Mapping[str, str]) -> Row:
    return {
        "decision_id": event["event_id"],
        "decided_at": event["occurred_at"],
        "decision_package_id": event["decision_package_id"],
        "package_version": event["package_version"],
        "agent": agents.get(state["agent_id"], state["agent_id"]),
        "action_type": event["action_type"],
        "kind": state["kind"],
        "risk": state["risk"],
        "reversibility": event["reversibility_class"],
        "confidence": event["confidence"],
        "level": event["hitl_level"],
        "why": [{"rule": why["rule"], "because": why["because"]} for why in state["why"]],
        "policy_version": event["policy_version"],
    }


def _decided(event: Event, state: Row, words: Mapping[str, Any], pseudonym: Callable[[str], str]) -> Row:
    """Who decided what, why, and how long after people were asked. An edit's comment stands with its version."""
    is_person = event["event_type"] == EventType.HUMAN_DECISION_RECORDED
    is_edit = event["decision"] == HumanDecisionType.APPROVE_WITH_EDITS
    texts = words.get(state["version_event_id"] if is_edit else event["event_id"]) or {}
    return {
        "decided_by": "person" if is_person else _BY[event["basis"]],
        "person": pseudonym(event["actor"]) if is_person else None,
        "decision": event["decision"],
        "override_decision": _own_vote(event).get("override_decision"),
        "comment": "\n".join(texts[name] for name in _COMMENTS if texts.get(name)) or None,
        "tags": texts.get("tags") or [],
        "answer_data": texts.get("answer_data"),
        "seconds": None if event["latency_ms"] is None else event["latency_ms"] / 1000,
    }


def _own_vote(event: Event) -> Row:
    return next((vote for vote in event["change"].get("votes", ()) if vote["event_id"] == event["event_id"]), {})


def _role(event: Event, following: Event | None) -> str | None:
    """The role in which the person decided: that of the vote, or of the seat in what the vote settled."""
    settled = (following["change"].get("decision") or {}) if following else {}
    seats = (seat["role"] for seat in settled.get("reviewers", ()) if seat["reviewer_id"] == event["actor"])
    role: str | None = _own_vote(event).get("role") or next(seats, None)
    return role


def _content(words: Mapping[str, Any], state: Row) -> Row | None:
    """The present version as it was posted; None if retention has emptied it."""
    stored = words.get(state.get("version_event_id", ""))
    return stored["package"] if stored else None


def _edits(before: Row | None, after: Row | None, hidden: Sequence[Path]) -> list[Row]:
    """What changed, apart from hidden fields. Nothing, if a version was emptied or is hidden whole."""
    old, new = (redact(package, hidden) for package in (before, after))
    if not (isinstance(old, dict) and isinstance(new, dict)):
        return []
    return [asdict(change) for change in value_changes(old, new, {name: name for name in _FIELDS})]
