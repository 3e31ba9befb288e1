"""The history of a package: one line for each event, and the words that came with it.

Details and `/reviews audit` show it, and notes use its names. An event type without a label is shown under its own
name, so that a newer release's events are not hidden.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from blocks.kit.elements import Block, Run, bold, moment, paragraph, rich
from blocks.kit.frame import aside
from blocks.kit.passages import list_blocks, quote_blocks
from blocks.kit.text import one_line, pluralize
from blocks.words.dossier import Dossier, HistoryEvent
from blocks.words.quotes import message_heading, message_text, speaker_name, ticked_reasons
from blocks.words.sentences import person_name
from rules.state.decisions import Basis
from rules.state.events import Cause, EventType
from rules.wording import humanize

# An event type that is not listed here is shown under its own name.
EVENT_LABELS: Mapping[str, str] = {
    EventType.PACKAGE_SUBMITTED: "Submitted",
    EventType.PACKAGE_VERSION_ADDED: "New version",
    EventType.PACKAGE_SHOWN: "Card shown",
    EventType.PACKAGE_DETAILS_OPENED: "Details opened",
    EventType.PACKAGE_FORM_OPENED: "Form opened",
    EventType.PACKAGE_HARDENED: "Silence no longer counts",
    EventType.PACKAGE_ESCALATED: "Escalated to the next role",
    EventType.PACKAGE_HELD: "Thread put on hold",
    EventType.PACKAGE_RESUMED: "Thread resumed",
    EventType.PACKAGE_THREAD_CHANGED: "Thread changed while this was running",
    EventType.PACKAGE_HANDED_OVER: "Handed over to another agent",
    EventType.PACKAGE_MESSAGE: "Message",
    EventType.PACKAGE_MAILED: "Told by e-mail",
    EventType.PACKAGE_RETRY_VOTED: "Agreed to a retry",
    EventType.PACKAGE_RETRY_ALLOWED: "Retry allowed",
    EventType.PACKAGE_RETRY_EXPIRED: "Retry not used in time",
    EventType.PACKAGE_ROLLBACK_REQUESTED: "Rollback requested",
    EventType.PACKAGE_CLOSED: "Closed",
    EventType.PACKAGE_PENDING: "Waiting for a decision again",
    EventType.PACKAGE_REVISION_REQUESTED: "Sent back to the agent for a revision",
    EventType.PACKAGE_EVIDENCE_REQUESTED: "Sent back to the agent for evidence",
    EventType.PACKAGE_DEFERRED: "Deferred",
    EventType.EXECUTION_REMINDED: "Reminder: not carried out yet",
    EventType.PACKAGE_APPROVED: "Approved",
    EventType.PACKAGE_CONSENTED: "Went ahead without an objection",
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
    EventType.EXCEPTION_GRANTED: "Exception approved",
    EventType.EXCEPTION_USED: "A rule was set aside",
    EventType.EXCEPTION_SHORTENED: "A new policy ends the exception earlier",
    EventType.EXCEPTION_ANNOUNCED: "End of the exception announced",
    EventType.EXCEPTION_ENDED: "Exception ended",
    EventType.THREAD_HANDED_BACK: "Thread handed back to the agent",
    EventType.REVIEW_PICKED: "Picked for a blind second look",
    EventType.REVIEW_NOT_POSSIBLE: "Picked for a blind second look, and nobody could be asked",
    EventType.REVIEW_ENDED: "The blind second look ended without a judgment",
    EventType.REVIEW_JUDGED: "Judged afterwards",
    EventType.AUTONOMY_CHANGED: "Earned autonomy changed",
    EventType.EXECUTION_CLAIMED: "Execution begun by the agent",
    EventType.EXECUTION_SUCCEEDED: "Execution reported as succeeded",
    EventType.EXECUTION_FAILED: "Execution reported as failed",
    EventType.EXECUTION_ROLLED_BACK: "Execution reported as rolled back",
    EventType.EXECUTION_UNKNOWN: "No outcome was reported in time",
    EventType.EXECUTION_LAPSED: "Approval expired unused",
}
_EVENT_ID = re.compile(r" evt_\w+")  # names the vote that no longer counts, for programs
_REASONS: Mapping[str, str] = {
    Cause.ESCALATION: "escalated",
    Cause.TIMEOUT: "nobody answered in time",
    Cause.TOP_OF_LADDER: "nobody answered in time, and no role is left to ask",
    Cause.NOBODY_FURTHER_UP: "nobody holds a higher role",
    Cause.SEEN_BY_ELIGIBLE: "a reviewer can see it",
    Cause.SEEN_BY_NOBODY_ELIGIBLE: "no reviewer can see it",
}
_QUOTED_FIELDS = ("comment", "instructions", "answer", "override_reason", "detail")
# The reason of these is always the thread, as the label says already.
_REASON_IN_LABEL = (EventType.PACKAGE_HELD, EventType.PACKAGE_RESUMED, EventType.PACKAGE_HANDED_OVER)
WITH_DECISION = (EventType.HUMAN_DECISION_RECORDED, EventType.HUMAN_DECISION_REFUSED)


def history_blocks(dossier: Dossier) -> Iterator[Block]:
    """All events, oldest first."""
    for event in dossier.history:
        yield event_block(dossier, event)
        yield from _quotes(dossier, event.words)


def message_blocks(dossier: Dossier) -> Iterator[Block]:
    """The last messages, oldest first."""
    if dossier.left_out:
        yield rich(aside(f"{pluralize(dossier.left_out, 'earlier message')} not shown here."))
    for event in dossier.messages:
        yield from quote_blocks(message_heading(dossier, event), message_text(event), " · ", moment(event.at))


def event_block(dossier: Dossier, event: HistoryEvent) -> Block:
    """One event: what happened, by whom and in which role, to whom, when."""
    by = () if _by_policy(event) else (" · ", _actor(dossier, event))
    receivers = [event.assignee] if _hands_over(event) and event.assignee else event.mailed
    to = (" · to ", ", ".join(_receiver(dossier, event, user) for user in receivers)) if receivers else ()
    runs: list[Run] = [*by, *to, " · ", moment(event.at)]
    runs += [f" · version {event.version}"] if event.version > 1 else []
    return rich(paragraph(bold(_label(event)), *runs))


def _receiver(dossier: Dossier, event: HistoryEvent, user: str) -> str:
    name = person_name(dossier, user)
    return f"{name} (may not have arrived)" if user in event.unconfirmed else name


def _actor(dossier: Dossier, event: HistoryEvent) -> str:
    name = actor_name(dossier, event.actor)
    return f"{name} ({humanize(event.role)})" if event.role and event.event_type in WITH_DECISION else name


def _hands_over(event: HistoryEvent) -> bool:
    return event.event_type in (EventType.PACKAGE_ESCALATED, EventType.TASK_ASSIGNED)


def _by_policy(event: HistoryEvent) -> bool:
    """If no person decided, the actor is the agent, which only submitted: the line names no actor then."""
    return event.basis in (Basis.POLICY, Basis.EXCEPTION)


def _label(event: HistoryEvent) -> str:
    text = EVENT_LABELS.get(event.event_type) or humanize(event.event_type.replace(".", " "))
    text += f" by {event.basis}" if _by_policy(event) else ""
    if event.event_type == EventType.EXCEPTION_USED:  # the reason names the exception
        return f"{text} ({event.reason})"
    if event.event_type in WITH_DECISION and event.decision:
        text += f": {humanize(event.decision)}"
    notes = (
        None if event.event_type in _REASON_IN_LABEL else event.reason,
        event.outcome if event.event_type == EventType.REVIEW_JUDGED else None,
    )
    note = ", ".join(_REASONS.get(note) or _EVENT_ID.sub("", note).replace("-", " ") for note in notes if note)
    return one_line(f"{text} ({humanize(note)})" if note and note not in text.lower() else text)


def actor_name(dossier: Dossier, actor_id: str) -> str:
    if actor_id == "auto":
        return "Countersign"
    return speaker_name(dossier, actor_id)


def _quotes(dossier: Dossier, words_given: Mapping[str, Any]) -> Iterator[Block]:
    for name in _QUOTED_FIELDS:
        if isinstance(words_given.get(name), str):
            yield from quote_blocks(humanize(name).capitalize(), words_given[name])
    if ticked := ticked_reasons(words_given):
        yield from quote_blocks("Reasons", ticked)
    evidence = words_given.get("evidence_refs")
    if isinstance(evidence, list):
        yield from list_blocks("Evidence", map(str, evidence))
    if isinstance(words_given.get("edited_by"), str):
        yield rich(paragraph(f"Edited by {person_name(dossier, words_given['edited_by'])}"))
    if isinstance(words_given.get("original_recommendation"), str):
        yield rich(paragraph(f"The agent had recommended: {humanize(words_given['original_recommendation'])}"))
