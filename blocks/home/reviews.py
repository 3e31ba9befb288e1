"""The answers of `/reviews`, visible only to the person who asked.

It only draws: `bot.slack.slash.reviews` reads the rows and decides who may see them. A new subcommand needs a line in
`SUBCOMMAND_HELP` or `ADMIN_SUBCOMMAND_HELP` here, and a handler there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from blocks.card.rendering import Rendering
from blocks.home import home
from blocks.home.queue import ROWS, Row, row_blocks, row_text
from blocks.kit.elements import (
    Block,
    Run,
    actions,
    bold,
    bullets,
    button,
    code,
    context,
    header,
    link,
    paragraph,
    plain_context,
    rich,
)
from blocks.kit.ids import ActionId
from blocks.kit.message import Message
from blocks.kit.text import cut, escape, one_line, pluralize
from blocks.words.choices import missing_line
from blocks.words.dossier import Dossier
from blocks.words.history import event_block
from blocks.words.refusals import private_message
from blocks.words.sentences import title_of
from blocks.words.views import about_block
from rules.search import EVERYTHING, Search

SUBCOMMAND_HELP: Mapping[str, str] = {
    "queue [words]": "what waits for people, the most urgent first; words: agent, type, risk, title, subject",
    "mine": "what waits for you; a bare /reviews does the same",
    "show ID": "one package, as its card shows it",
    "stats [7d] [by WHAT]": "how people decide, and how fast; WHAT: agent, type, role, tier, week or reviewer",
    "agents [NAME]": "what each agent has earned, and what it takes to rise or fall",
    "sampled": "what went ahead and was picked for a second look",
    "exceptions": "exceptions to rules that hold, are asked for, or ended lately",
    "away [until] [@delegate]": "hand your open tasks on while you are away",
    "back": "you are available again",
    "threads": "threads with open packages or on hold",
    "hold THREAD": "stop everything that an agent does in a thread, until someone resumes it",
    "resume THREAD": "let the agent go on, with an instruction or a new state if you like",
    "cancel THREAD": "end a thread for good",
    "history THREAD": "a thread: its state, its packages, what happened",
    "help": "this list",
}
ADMIN_SUBCOMMAND_HELP: Mapping[str, str] = {
    "assign ID @user": "give a package to someone who may decide it",
    "audit ID": "everything that happened to a package",
    "policy": "the policy in force",
    "pause AGENT": "pause an agent",
    "resume AGENT": "let it continue",
}

MORE_AT_HOME = "App Home goes on with More."
NOTHING_YET = f"None of the most urgent tasks is yours. {MORE_AT_HOME}"
_NAMED_IN_TEXT = 3  # packages in the text for notifications
_TROUBLES = 5
_ENTRIES = 40  # events of `/reviews audit`
_WORD = 40  # characters of a word that was typed


def queue(rows: Sequence[Row], more: int = 0, *, search: Search = EVERYTHING, searched: int | None = None) -> Message:
    """What waits and matches. `more` packages follow these rows; `searched` is set if not all of them were read."""
    message = _list("Waiting for people", rows, more, _nothing_waits(search))
    if rows and search != EVERYTHING:
        heading, *listed = message.blocks
        message = Message(message.text, (heading, plain_context(f"Filter: {search.describe()}"), *listed))
    if searched is None:
        return message
    note = f"Only the {searched:,} most urgent tasks were searched."
    return Message(f"{message.text} {note}", (*message.blocks, context(note)))


def _nothing_waits(search: Search) -> str:
    if search == EVERYTHING:
        return "Nothing that you can see is waiting."
    return f"Nothing that you can see matches {search.describe()}."


def with_troubles(message: Message, troubles: Sequence[Message]) -> Message:
    """The message with the current troubles above it, for admins."""
    listed = troubles[:_TROUBLES]
    omitted_count = len(troubles) - len(listed)
    omitted_note = [context(f"{omitted_count} more: `countersign doctor` lists them.")] if omitted_count else []
    text = " ".join(trouble.text for trouble in (*listed, message))
    return Message(text, (*(block for trouble in listed for block in trouble.blocks), *omitted_note, *message.blocks))


def mine(rows: Sequence[Row], *, waiting: int = 0, is_whole: bool = True) -> Message:
    """What waits for the person who asked; `waiting` counts what waits for anybody."""
    empty = f"Nothing waits for you. {home.new_requests_text(waiting)}" if is_whole else NOTHING_YET
    message = _list("Waiting for you", rows, 0, empty)
    return message if is_whole or not rows else Message(message.text, (*message.blocks, context(MORE_AT_HOME)))


def show(dossier: Dossier, card: Rendering) -> Message:
    """The card, with what the reader lacks for the decision that it asks for, and a link to where it was posted."""
    posted = [rich(paragraph(link(dossier.card_link, "Open the posted card")))] if dossier.card_link else []
    return Message(card.text, (*card.blocks, *missing_line(dossier.offer), *posted))


def no_role_message(*, is_admin: bool) -> Message:
    return private_message(home.no_role_text(is_admin=is_admin))


def sampled(rows: Sequence[Row], more: int = 0) -> Message:
    """Packages picked for a second look."""
    return _list("For a second look", rows, more, "No items to review.")


def exceptions(entries: Sequence[tuple[Row, Sequence[Run]]], more: int = 0) -> Message:
    """Exceptions to rules, each with what it allows, who approved it and how often it was used."""
    if not entries:
        return private_message("No exception holds, is asked for or ended lately.")
    first = "; ".join(row_text(row) for row, _ in entries[:_NAMED_IN_TEXT])
    omitted_note = [context(f"{more} more: `countersign exceptions list` lists them.")] if more else []
    blocks = (block for row, runs in entries for block in (*row_blocks([row]), rich(paragraph(*runs))))
    return Message(f"Exceptions: {escape(first)}.", (header("Exceptions to rules"), *blocks, *omitted_note))


def _list(heading: str, rows: Sequence[Row], more: int, empty: str) -> Message:
    if not rows:
        return private_message(empty)
    listed, omitted_count = rows[:ROWS], more + len(rows[ROWS:])
    omitted_note = (
        [context(f"{omitted_count} more. The app's Home lists what waits for you, page by page.")]
        if omitted_count
        else []
    )
    first = "; ".join(row_text(row) for row in listed[:_NAMED_IN_TEXT])
    beyond = (
        f"; and {len(listed) + omitted_count - _NAMED_IN_TEXT} more"
        if len(listed) + omitted_count > _NAMED_IN_TEXT
        else ""
    )
    text = f"{heading}: {escape(first)}{beyond}."
    return Message(text, (header(heading), *row_blocks(listed), *omitted_note))


def help(*, is_admin: bool) -> Message:  # noqa: A001 - the word that people type
    names = [*SUBCOMMAND_HELP, *(ADMIN_SUBCOMMAND_HELP if is_admin else ())]
    return Message(f"/reviews knows: {', '.join(names)}.", (*_help(is_admin=is_admin),))


def _help(*, is_admin: bool) -> Iterator[Block]:
    yield header("What /reviews can do")
    yield rich(bullets(_help_items(SUBCOMMAND_HELP)))
    if is_admin:
        yield rich(paragraph(bold("As an admin of the policy, also:")), bullets(_help_items(ADMIN_SUBCOMMAND_HELP)))


def _help_items(subcommands: Mapping[str, str]) -> Iterator[list[Run]]:
    return ([code(f"/reviews {name}"), f"  {text}"] for name, text in subcommands.items())


def unknown_word(word: str, *, is_admin: bool) -> Message:
    """The help, for a word that `/reviews` does not know."""
    typed, overview = cut(one_line(word), _WORD), help(is_admin=is_admin)
    heading = rich(paragraph("/reviews does not know ", code(typed or "that"), "."))
    return Message(f"/reviews does not know {escape(typed) or 'that'}. {overview.text}", (heading, *overview.blocks))


def audit(dossier: Dossier) -> Message:
    """The history of a package, shortened to its latest events. What people wrote is in Details."""
    events = dossier.history
    total = len(events) + dossier.left_out
    left_out = total - _ENTRIES
    entries = [event_block(dossier, event) for event in events[-_ENTRIES:]]
    earlier = [context(f"{pluralize(left_out, 'earlier event')} in Details.")] if left_out > 0 else []
    details = button("Details", ActionId.DETAILS, str(dossier.ref), accessible_label=f"Details: {title_of(dossier)}")
    text = f"{pluralize(total, 'event')} of {dossier.state.decision_package_id}: {escape(title_of(dossier))}."
    return Message(text, (header("What happened"), about_block(dossier), *earlier, *entries, actions([details])))
