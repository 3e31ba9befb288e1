"""A thread as a window or as a message: its state, what runs, what it did, and what the reader may do.

Only packages that the reader may see are listed; the others are counted. Buttons are those that the rules would accept
from this reader now (`rules.threads.decide.try_thread_verbs`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from blocks.kit.elements import (
    Block,
    Element,
    Run,
    actions,
    bold,
    button,
    context,
    header,
    moment,
    paragraph,
    quote,
    rich,
)
from blocks.kit.frame import brief
from blocks.kit.ids import ActionId, FormId
from blocks.kit.message import Message
from blocks.kit.text import cut, escape, one_line, pluralize
from blocks.threads.dossier import ThreadDossier, ThreadEvent, ThreadPackage
from blocks.words.history import EVENT_LABELS as PACKAGE_EVENT_LABELS
from blocks.words.history import WITH_DECISION
from blocks.words.status import card_label, status_icon
from blocks.words.thread_looks import EVENT_LABELS, STATUS_ICONS, STATUS_LABELS, THREAD_LOOKS
from blocks.words.views import View, modal
from rules.state.decisions import ExecutionState
from rules.threads.model import ThreadStatus
from rules.wording import humanize

_NAME = 60
_TITLE = 80
_QUOTED = 300
_QUOTES = (("reason", "Reason"), ("instruction", "Instruction"), ("summary", "Summary"), ("result", "Result"))


def thread_view(dossier: ThreadDossier) -> View:
    return modal(FormId.THREAD, "Thread", _blocks(dossier), metadata=dossier.state.thread_key)


def thread_message(dossier: ThreadDossier) -> Message:
    state = dossier.state
    return Message(f"Thread {escape(_name(dossier))}: {STATUS_LABELS[state.status]}.", tuple(_blocks(dossier)))


def thread_list(dossiers: Sequence[ThreadDossier], *, more: bool = False) -> Message:
    """The threads that the reader can see, one row each. `more`: there are others."""
    if not dossiers:
        text = "No threads to show. A package belongs to a thread if its agent sends a thread_id."
        return Message(text, (rich(paragraph(text)),))
    names = ", ".join(escape(_name(dossier)) for dossier in dossiers[:3])
    rows = [block for dossier in dossiers for block in _row(dossier)]
    if more:
        rows.append(
            rich(paragraph(f"Only the latest {len(dossiers)} are shown. /reviews history THREAD shows another."))
        )
    return Message(f"{pluralize(len(dossiers), 'thread')}: {names}.", (header("Threads"), *rows))


def _row(dossier: ThreadDossier) -> Iterator[Block]:
    open_button = button(
        "Open", ActionId.THREAD, dossier.state.thread_key, accessible_label=f"Open thread {_name(dossier)}"
    )
    since_or_state = _since_and_by(dossier) or [STATUS_LABELS[dossier.state.status]]
    who = f"{STATUS_ICONS[dossier.state.status]} {dossier.agent} · "
    facts: list[Run] = [who, *since_or_state, f" · {_counts(dossier)}"]
    yield rich(quote(bold(_name(dossier))), paragraph(*facts))
    yield actions([open_button, *_buttons(dossier, styled=False)])


def _blocks(dossier: ThreadDossier) -> Iterator[Block]:
    state = dossier.state
    yield header(f"{STATUS_ICONS[state.status]} {_name(dossier)} · {STATUS_LABELS[state.status]}")
    since_and_by = _since_and_by(dossier)
    since = [" · ", *since_and_by] if since_and_by else []
    heading = paragraph(bold(dossier.agent), *since, f" · {_counts(dossier)}")
    yield rich(heading, *_open_handoffs(dossier), *_quotes(dossier))
    if choices := _buttons(dossier):
        yield actions(choices)
    if running := [package for package in dossier.packages if _is_running(package)]:
        stop = "the cancellation" if state.status is ThreadStatus.CANCELLED else "a hold"
        yield rich(paragraph(bold(f"Already running, and not stopped by {stop}")), *map(_package_line, running))
    if others := [package for package in dossier.packages if not _is_running(package)]:
        yield rich(paragraph(bold("Packages")), *map(_package_line, others))
    if dossier.unseen:
        yield context(f"{pluralize(dossier.unseen, 'more package')}; some may be hidden from you.")
    yield from _history(dossier)


def _name(dossier: ThreadDossier) -> str:
    return cut(one_line(dossier.state.thread_id), _NAME) or "–"


def _since_and_by(dossier: ThreadDossier) -> list[Run]:
    """Since when it is in this state, and by whom; nothing if nobody ever held it."""
    state = dossier.state
    if state.since is None or state.by is None:
        return []
    did = {ThreadStatus.RUNNING: "resumed", ThreadStatus.HELD: "held", ThreadStatus.CANCELLED: "cancelled"}
    rollback = ", with rollback" if state.rollback_requested else ""
    return [f"{did[state.status]} by {dossier.name(state.by)} ", moment(state.since), rollback]


def _open_handoffs(dossier: ThreadDossier) -> Iterator[Element]:
    """To whom the thread goes next, and to whom it must be returned."""
    for handoff in (*dossier.state.lent[-1:], *([dossier.state.offered] if dossier.state.offered else [])):
        if handoff.due_at:
            verb, agent = ("Lent by", handoff.from_agent) if handoff.is_lent else ("Offered to", handoff.to_agent)
            yield paragraph(f"{verb} {dossier.name(agent)} until ", moment(handoff.due_at), ".")


def _counts(dossier: ThreadDossier) -> str:
    waiting = sum(not package.state.status.terminal for package in dossier.packages)
    running = sum(map(_is_running, dossier.packages))
    total = len(dossier.packages) + dossier.unseen
    packages = pluralize(total, "package")
    match [(count, noun) for count, noun in ((running, "being carried out"), (waiting, "waiting")) if count]:
        case []:
            return packages
        case [(count, noun)] if count == total:
            return f"{packages} {noun}"
        case counts:
            return f"{packages}: {', '.join(f'{count} {noun}' for count, noun in counts)}"


def _quotes(dossier: ThreadDossier) -> Iterator[Element]:
    for name, label in _QUOTES:
        text = dossier.words.get(name)
        if isinstance(text, str):
            yield quote(bold(f"{label}: "), *brief(text, _QUOTED))
    if "modified_state" in dossier.words:
        yield paragraph("Resumed with a new state: earlier unused approvals no longer count.")
    if dossier.state.resume_checkpoint_id:
        yield paragraph(f"From checkpoint {one_line(dossier.state.resume_checkpoint_id)}.")


def _buttons(dossier: ThreadDossier, *, styled: bool = True) -> list[Element]:
    """In a list, a red or green button in each row would hide which row matters."""
    return [
        button(
            look.label,
            look.action,
            dossier.state.thread_key,
            accessible_label=f"{look.label} {_name(dossier)}",
            style=look.style if styled else None,
        )
        for verb, look in THREAD_LOOKS.items()
        if verb in dossier.offered
    ]


def _is_running(package: ThreadPackage) -> bool:
    return package.state.execution.state is ExecutionState.CLAIMED


def _package_line(package: ThreadPackage) -> Element:
    title = cut(one_line(package.title), _TITLE) if package.title is not None else "(content deleted)"
    return quote(f"{status_icon(package.state)} {title or '–'} · {card_label(package.state)}")


def _history(dossier: ThreadDossier) -> Iterator[Block]:
    if not dossier.history:
        return
    yield header("History")
    if dossier.left_out:
        yield context(f"{pluralize(dossier.left_out, 'other event')} not shown here.")
    for event in dossier.history:
        yield rich(paragraph(*_event_runs(dossier, event)), *_event_quotes(event))


def _event_runs(dossier: ThreadDossier, event: ThreadEvent) -> list[Run]:
    label = EVENT_LABELS.get(event.event_type) or PACKAGE_EVENT_LABELS.get(event.event_type, event.event_type)
    label += f": {humanize(event.decision)}" if event.decision and event.event_type in WITH_DECISION else ""
    by = dossier.agent if event.actor == dossier.state.owner_agent else dossier.name(event.actor)
    about = f" · {cut(one_line(event.about), _TITLE)}" if event.about else ""
    return [bold(label), f" · {'Countersign' if by == 'auto' else by} · ", moment(event.at), about]


def _event_quotes(event: ThreadEvent) -> Iterator[Element]:
    for name, label in _QUOTES:
        text = event.words.get(name)
        if event.about is None and isinstance(text, str):
            yield quote(bold(f"{label}: "), *brief(text, _QUOTED))
