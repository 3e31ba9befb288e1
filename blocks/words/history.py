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
from rules.state.model import Basis
from rules.wording import plainly

# What stands for an event of this type; one that is not here is told by its own name.
WHAT: Mapping[str, str] = {
    "package.submitted": "Submitted",
    "package.version_added": "New version",
    "package.shown": "Card shown",
    "package.details_opened": "Details opened",
    "package.form_opened": "Form opened",
    "package.hardened": "Silence no longer counts",
    "package.escalated": "Moved up to the next role",
    "package.pending": "Waiting for a decision again",
    "package.revision_requested": "Sent back to the agent for a revision",
    "package.evidence_requested": "Sent back to the agent for evidence",
    "package.deferred": "Deferred",
    "execution.reminded": "Reminded that nothing was carried out",
    "package.approved": "Approved",
    "package.consented": "Went ahead on silence",
    "package.overridden": "Overridden",
    "package.rejected": "Rejected",
    "package.taken_over": "Taken over",
    "package.revoked": "Approval revoked",
    "package.expired": "Expired",
    "package.cancelled": "Withdrawn",
    "human.decision_recorded": "Decision",
    "human.decision_refused": "Decision not accepted",
    "human.commented": "Comment",
    "task.claimed": "Taken up",
    "task.assigned": "Assigned",
    "task.extended": "Deadline extended",
    "task.reminded": "Reminder sent",
    "task.recused": "Stepped aside",
    "thread.handed_back": "Thread handed back to the agent",
    "review.judged": "Judged afterwards",
    "autonomy.changed": "Earned autonomy changed",
    "execution.claimed": "Execution begun by the agent",
    "execution.succeeded": "Execution reported as succeeded",
    "execution.failed": "Execution reported as failed",
    "execution.rolled_back": "Execution reported as rolled back",
    "execution.unknown": "No outcome was reported in time",
    "execution.lapsed": "Approval lapsed unused",
}
_SAID = ("comment", "instructions", "answer", "override_reason", "detail")
_WITH_DECISION = ("human.decision_recorded", "human.decision_refused")


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
    what = WHAT.get(happened.event_type) or plainly(happened.event_type.replace(".", " "))
    what += " by policy" if _by_policy(happened) else ""
    if happened.event_type in _WITH_DECISION and happened.decision:
        what += f": {plainly(happened.decision)}"
    notes = (happened.reason, happened.outcome if happened.event_type == "review.judged" else None)
    because = ", ".join(note.replace("-", " ") for note in notes if note)
    return line(f"{what} ({plainly(because)})" if because else what)


def actor(dossier: Dossier, actor_id: str) -> str:
    if actor_id == "auto":
        return "Countersign"
    return speaker(dossier, actor_id)


def _said(dossier: Dossier, said: Mapping[str, Any]) -> Iterator[Block]:
    for name in _SAID:
        if isinstance(said.get(name), str):
            yield from quoted(plainly(name).capitalize(), said[name])
    evidence = said.get("evidence_refs")
    if isinstance(evidence, list):
        yield from listed("Evidence", map(str, evidence))
    if isinstance(said.get("edited_by"), str):
        yield rich(words(f"Edited by {named(dossier, said['edited_by'])}"))
    if isinstance(said.get("original_recommendation"), str):
        yield rich(words(f"The agent had recommended: {plainly(said['original_recommendation'])}"))
