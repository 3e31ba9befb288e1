"""What happened to a package, event by event, in words; and what was said with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from blocks.kit.elements import Block, Run, bold, moment, rich, words
from blocks.kit.passages import listed, quoted
from blocks.kit.text import line
from blocks.words.dossier import Dossier, Happened
from blocks.words.quotes import speaker
from blocks.words.sentences import named
from rules.state.events import EventType
from rules.state.model import Basis
from rules.wording import humanize

# What stands for an event of this type; one that is not here is told by its own name.
WHAT: Mapping[str, str] = {
    EventType.PACKAGE_SUBMITTED: "Submitted",
    EventType.PACKAGE_VERSION_ADDED: "New version",
    EventType.PACKAGE_SHOWN: "Card shown",
    EventType.PACKAGE_DETAILS_OPENED: "Details opened",
    EventType.PACKAGE_FORM_OPENED: "Form opened",
    EventType.PACKAGE_HARDENED: "Silence no longer counts",
    EventType.PACKAGE_ESCALATED: "Moved up to the next role",
    EventType.PACKAGE_PENDING: "Waiting for a decision again",
    EventType.PACKAGE_REVISION_REQUESTED: "Sent back to the agent for a revision",
    EventType.PACKAGE_EVIDENCE_REQUESTED: "Sent back to the agent for evidence",
    EventType.PACKAGE_DEFERRED: "Deferred",
    EventType.EXECUTION_REMINDED: "Reminded that nothing was carried out",
    EventType.PACKAGE_APPROVED: "Approved",
    EventType.PACKAGE_CONSENTED: "Went ahead on silence",
    EventType.PACKAGE_OVERRIDDEN: "Overridden",
    EventType.PACKAGE_REJECTED: "Rejected",
    EventType.PACKAGE_TAKEN_OVER: "Taken over",
    EventType.PACKAGE_REVOKED: "Approval revoked",
    EventType.PACKAGE_EXPIRED: "Expired",
    EventType.PACKAGE_CANCELLED: "Withdrawn",
    EventType.HUMAN_DECISION_RECORDED: "Decision",
    EventType.HUMAN_DECISION_REFUSED: "Decision not accepted",
    EventType.HUMAN_COMMENTED: "Comment",
    EventType.TASK_CLAIMED: "Taken up",
    EventType.TASK_ASSIGNED: "Assigned",
    EventType.TASK_EXTENDED: "Deadline extended",
    EventType.TASK_REMINDED: "Reminder sent",
    EventType.TASK_RECUSED: "Stepped aside",
    EventType.THREAD_HANDED_BACK: "Thread handed back to the agent",
    EventType.REVIEW_JUDGED: "Judged afterwards",
    EventType.AUTONOMY_CHANGED: "Earned autonomy changed",
    EventType.EXECUTION_CLAIMED: "Execution begun by the agent",
    EventType.EXECUTION_SUCCEEDED: "Execution reported as succeeded",
    EventType.EXECUTION_FAILED: "Execution reported as failed",
    EventType.EXECUTION_ROLLED_BACK: "Execution reported as rolled back",
    EventType.EXECUTION_UNKNOWN: "No outcome was reported in time",
    EventType.EXECUTION_LAPSED: "Approval lapsed unused",
}
_SAID = ("comment", "instructions", "answer", "override_reason", "detail")
_WITH_DECISION = (EventType.HUMAN_DECISION_RECORDED, EventType.HUMAN_DECISION_REFUSED)


def history(dossier: Dossier) -> Iterator[Block]:
    """Oldest first."""
    for happened in dossier.history:
        yield entry(dossier, happened)
        yield from _said(dossier, happened.words)


def entry(dossier: Dossier, happened: Happened) -> Block:
    """The line of one event: what, by whom, when."""
    by = () if _by_policy(happened) else (" · ", actor(dossier, happened.actor))
    about: list[Run] = [*by, " · ", moment(happened.at)]
    about += [f" · version {happened.version}"] if happened.version > 1 else []
    return rich(words(bold(_what(happened)), *about))


def _by_policy(happened: Happened) -> bool:
    """The actor of such an event is the agent, which only submitted what the policy settled."""
    return happened.basis == Basis.POLICY


def _what(happened: Happened) -> str:
    what = WHAT.get(happened.event_type) or humanize(happened.event_type.replace(".", " "))
    what += " by policy" if _by_policy(happened) else ""
    if happened.event_type in _WITH_DECISION and happened.decision:
        what += f": {humanize(happened.decision)}"
    notes = (happened.reason, happened.outcome if happened.event_type == EventType.REVIEW_JUDGED else None)
    because = ", ".join(note.replace("-", " ") for note in notes if note)
    return line(f"{what} ({humanize(because)})" if because else what)


def actor(dossier: Dossier, actor_id: str) -> str:
    if actor_id == "auto":
        return "Countersign"
    return speaker(dossier, actor_id)


def _said(dossier: Dossier, said: Mapping[str, Any]) -> Iterator[Block]:
    for name in _SAID:
        if isinstance(said.get(name), str):
            yield from quoted(humanize(name).capitalize(), said[name])
    evidence = said.get("evidence_refs")
    if isinstance(evidence, list):
        yield from listed("Evidence", map(str, evidence))
    if isinstance(said.get("edited_by"), str):
        yield rich(words(f"Edited by {named(dossier, said['edited_by'])}"))
    if isinstance(said.get("original_recommendation"), str):
        yield rich(words(f"The agent had recommended: {humanize(said['original_recommendation'])}"))
