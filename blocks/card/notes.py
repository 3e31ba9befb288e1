"""Notes in a card's thread, which together tell its history. Only those that need action mention people.

One function for each kind of note. `scheduler.cards.notes` decides which notes a card's thread lacks, and calls these
when it posts them, so a note describes the package as it is at that moment.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

from blocks.card.buttons import recovery_buttons
from blocks.card.card import NOT_READ
from blocks.card.claims import handover
from blocks.card.facts import deadline_line, escalation_sentence
from blocks.card.mentions import approvers_line, informed_line, mention_line, withdrawal_line
from blocks.kit.elements import Block, bold, context, paragraph, rich, section
from blocks.kit.frame import aside
from blocks.kit.message import Message
from blocks.kit.text import escape, in_utc, one_line, pluralize, slack_date
from blocks.words.dossier import Dossier, HistoryEvent
from blocks.words.history import actor_name
from blocks.words.outcome import explanation, outcome_sentence, report, thread_sentence
from blocks.words.quotes import message_heading, message_text, remark, remarks, speaker_name
from blocks.words.recovery import answer_sentence, failure_sentence, recovery_sentence
from blocks.words.revision import changes, version_author
from blocks.words.sentences import (
    FormatTime,
    agent_name,
    goes_ahead_at,
    join_names,
    person_name,
    timeout_outcome,
    title_of,
    why_silence_stopped,
)
from blocks.words.status import status_icon, status_label
from blocks.words.stops import GOES_ON, stop_reason, thread_news
from rules.authority.ladder import kept_sentence, who_may_decide
from rules.state.decisions import ExecutionState
from rules.state.events import Cause, EventType

_MAX_MESSAGES, _MESSAGE = 3, 700  # in one note; characters of each


def escalation(dossier: Dossier) -> Message:
    """For the role that is asked from now on, with the remarks so far."""
    text = " ".join(filter(None, (escalation_sentence(dossier), kept_sentence(dossier.state, dossier.terms))))
    return _message(dossier, text, *mention_line(dossier), rich(paragraph(text), *remarks(dossier)))


def silence_stopped(dossier: Dossier) -> Message:
    """For reviewers whose silence was enough until now; a soft card has mentioned nobody yet."""
    text = why_silence_stopped(dossier.state) or "Silence no longer counts. Explicit approval is now required."
    return _message(dossier, text, *mention_line(dossier), rich(paragraph(text), *remarks(dossier)))


def reminder(dossier: Dossier) -> Message:
    waits = f"This still waits for {who_may_decide(dossier.state, dossier.terms)}"
    shown, plain = (f"{waits}{_what_then(dossier, format_time)}" for format_time in (slack_date, in_utc))
    return _message(dossier, plain, *mention_line(dossier), section(shown))


def held(dossier: Dossier) -> Message:
    return _thread_note(dossier, "Nothing new is carried out, and its deadlines stop.")


def resumed(dossier: Dossier) -> Message:
    return _thread_note(dossier, "Its deadlines moved by the length of the hold.")


def thread_changed(dossier: Dossier) -> Message:
    """For an action that was already running when its thread was held, resumed or cancelled."""
    return _thread_note(dossier, GOES_ON)


def _thread_note(dossier: Dossier, meaning: str) -> Message:
    """What was done with the thread, what that means here, and the words of the person who did it."""
    text = f"{thread_news(dossier)} {meaning}"
    return _message(dossier, text, rich(paragraph(text), *stop_reason(dossier)))


def handed_over(dossier: Dossier) -> Message:
    text = f"This thread was handed over. From now on {agent_name(dossier)} asks."
    return _message(dossier, text, rich(paragraph(text)))


def assignment(dossier: Dossier) -> Message:
    """For the person who has the task now: who gave it to them and why, with the remarks so far."""
    text = _assigned(dossier)
    return _message(
        dossier, text, *mention_line(dossier), rich(paragraph(text), deadline_line(dossier), *remarks(dossier))
    )


def _assigned(dossier: Dossier) -> str:
    event = next(event for event in reversed(dossier.history) if event.event_type == EventType.TASK_ASSIGNED)
    to = person_name(dossier, event.assignee) if event.assignee else "everyone who may decide"
    match event.reason:
        case Cause.ESCALATION:
            return f"{person_name(dossier, event.actor)} handed this over to {to}."
        case Cause.ABSENT:
            return f"The person who had taken this up is away. It goes to {to}."
        case Cause.BACK:
            return f"{to} is back and has this again."
        case _:
            return f"{actor_name(dossier, event.actor)} assigned this to {to}."


def _what_then(dossier: Dossier, format_time: FormatTime) -> str:
    state, at = dossier.state, goes_ahead_at(dossier)
    if not state.soft:
        return f", until {format_time(state.ends_at)}. If nobody decides, {timeout_outcome(state)}."
    ahead = f"It goes ahead after {format_time(at)}, unless someone objects." if at else "Silence does not count yet."
    return f". {ahead}"


def decision(dossier: Dossier) -> Message:
    """Who decided what and why, in their words."""
    text = outcome_sentence(dossier)
    heading = paragraph(f"{status_icon(dossier.state)} ", text)
    return _message(
        dossier,
        text,
        *withdrawal_line(dossier),
        rich(heading, *explanation(dossier)),
    )


def failure(dossier: Dossier) -> Message:
    """For the approvers and the agent's owner: what went wrong, and what they can do about it."""
    text, reported = failure_sentence(dossier, dossier.state.execution.state), report(dossier)
    title = title_of(dossier)
    label = bold(f"{status_label(dossier.state)}. ")
    return _message(
        dossier,
        text,
        *informed_line(dossier),
        rich(paragraph(label) if reported else paragraph(label, text), *reported),
        *recovery_buttons(dossier, title),
    )


def answered_failure(dossier: Dossier, failed: HistoryEvent, answer: HistoryEvent) -> Message:
    """The same note once it is answered: without buttons, and with what was decided."""
    text = failure_sentence(dossier, ExecutionState(failed.event_type.removeprefix("execution.")))
    detail, decided = failed.words.get("detail"), answer_sentence(dossier, answer)
    reported = remark(text, detail, _MESSAGE) if isinstance(detail, str) and detail else (paragraph(bold(text)),)
    return _message(dossier, f"{text} {decided}", rich(*reported, paragraph(decided)))


def success(dossier: Dossier) -> Message:
    """Where the policy wants it said."""
    text = f"{agent_name(dossier)} reports that this was carried out."
    return _message(dossier, text, rich(paragraph(text), *report(dossier)))


def recovery(dossier: Dossier) -> Message:
    """What people decided after a failure, with their words."""
    text = recovery_sentence(dossier)
    return _message(dossier, text, rich(paragraph(text), *remarks(dossier)))


def unused_approval(dossier: Dossier) -> Message:
    """For those who approved: the approval has not been used yet."""
    lapses = dossier.state.lapses_at
    waits = f"{status_label(dossier.state)}, and not carried out yet."
    shown, plain = (
        f"{waits} It expires {format_time(lapses)} if unused." if lapses else waits
        for format_time in (slack_date, in_utc)
    )
    return _message(dossier, plain, section(shown))


def exception_ends(dossier: Dossier) -> Message:
    """For those who approved it: it ends soon, and goes on only if it is asked for again."""
    return _exception_end(dossier, "This exception ends")


def exception_shortened(dossier: Dossier) -> Message:
    """Tells those who approved an exception that it now ends earlier."""
    return _exception_end(dossier, "A new policy allows this exception less time: it ends")


def _exception_end(dossier: Dossier, beginning: str) -> Message:
    end = dossier.state.exception.end if dossier.state.exception else dossier.state.updated_at
    after = "After that the rule applies again, unless a new exception is approved."
    shown, plain = (f"{beginning} {format_time(end)}. {after}" for format_time in (slack_date, in_utc))
    return _message(dossier, plain, *approvers_line(dossier), section(shown))


def exception_ended(dossier: Dossier) -> Message:
    text = "This exception has ended. The rule applies again."
    return _message(dossier, text, rich(paragraph(text)))


def new_version(dossier: Dossier) -> Message:
    """For reviewers who read the previous version: only the differences."""
    text = version_author(dossier)
    return _message(dossier, text, *mention_line(dossier), rich(paragraph(text), *changes(dossier)))


def taken_over(dossier: Dossier) -> Message:
    """With what the person who took over needs to continue."""
    text = outcome_sentence(dossier)
    takeover = dossier.package.takeover if dossier.package else None
    return _message(
        dossier,
        text,
        rich(
            paragraph(f"{status_icon(dossier.state)} ", text),
            *explanation(dossier),
            *(handover(takeover) if takeover else ()),
        ),
    )


def hand_back(dossier: Dossier) -> Message:
    text = thread_sentence(dossier)
    return _message(dossier, text, rich(paragraph(text), *report(dossier)))


def messages(dossier: Dossier, sent: Sequence[HistoryEvent]) -> Message:
    """What people and the agent wrote to each other. If much came at once, only the last of it is here."""
    senders = join_names(dict.fromkeys(speaker_name(dossier, event.actor) for event in sent))
    more = len(sent) - _MAX_MESSAGES
    left_out = (aside(f"{pluralize(more, 'earlier message')} in Details."),) if more > 0 else ()
    shown = (
        remark(f"{message_heading(dossier, event)}:", message_text(event), _MESSAGE) for event in sent[-_MAX_MESSAGES:]
    )
    return _message(dossier, f"{senders} wrote.", rich(*left_out, *chain.from_iterable(shown)))


def with_not_read(note: Message) -> Message:
    """The first note under a card that no longer says it also says that answers in the thread are not read."""
    return Message(f"{note.text} {NOT_READ}", (*note.blocks, context(NOT_READ)))


def _message(dossier: Dossier, text: str, *blocks: Block) -> Message:
    return Message(escape(one_line(f"{title_of(dossier)}: {text}")), blocks)
