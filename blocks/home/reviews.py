"""What `/reviews` answers, to whoever asked and to nobody else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from blocks.home import home
from blocks.home.queue import ROWS, Row, aloud, drawn, drawn_to_judge
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
    preformatted,
    rich,
    words,
)
from blocks.kit.ids import ActionId
from blocks.kit.limits import CARD_TEXT
from blocks.kit.message import Message
from blocks.kit.parameters import pieces
from blocks.kit.text import clean, counted, cut, escaped, line
from blocks.words.dossier import Dossier
from blocks.words.history import entry
from blocks.words.refusals import private
from blocks.words.sentences import title_of
from blocks.words.views import about

WORDS: Mapping[str, str] = {
    "queue": "what waits for people, the most urgent first",
    "mine": "what waits for you; a bare /reviews does the same",
    "show ID": "one package, as its card shows it",
    "stats [7d]": "how much waits, how people decide and how long it takes them",
    "sampled": "what went ahead and was picked for a second look",
    "away [until] [@delegate]": "hand your open tasks on while you are away",
    "back": "you are here again",
    "help": "this list",
}
ADMIN_WORDS: Mapping[str, str] = {
    "assign ID @user": "give a package to somebody who may decide it",
    "audit ID": "everything that happened to a package",
    "policy": "the policy that holds now",
    "pause AGENT": "take nothing more from an agent",
    "resume AGENT": "let it go on",
}

_ALOUD = 3
_TROUBLES = 5
_ENTRIES = 40
_WORD = 40
_SUMMARY = CARD_TEXT - 500


def queue(rows: Sequence[Row], more: int = 0, *, searched: int | None = None) -> Message:
    """What waits for anybody. `more` wait beyond these rows; `searched` tells that only so many were read."""
    listed = _list("Waiting for people", rows, more, "Nothing that you can see is waiting.")
    if searched is None:
        return listed
    said = f"Only the {searched:,} most urgent tasks were searched."
    return Message(f"{listed.text} {said}", (*listed.blocks, context(said)))


def with_troubles(message: Message, troubles: Sequence[Message]) -> Message:
    """Above the rest, for admins: at which places nothing can be shown, and what Slack says there."""
    told = troubles[:_TROUBLES]
    left = len(troubles) - len(told)
    rest = [context(f"{left} more such places: `countersign doctor` names them.")] if left else []
    text = " ".join(each.text for each in (*told, message))
    return Message(text, (*(block for each in told for block in each.blocks), *rest, *message.blocks))


def mine(rows: Sequence[Row], *, waiting: int = 0) -> Message:
    """What waits for the one who asks; `waiting` is how much waits for anybody."""
    return _list("Waiting for you", rows, 0, home.nothing_waits(waiting))


def no_role(*, is_admin: bool) -> Message:
    return private(home.no_role(is_admin=is_admin))


def sampled(rows: Sequence[Row], more: int = 0) -> Message:
    """What is to be judged afterwards, with a button for it at each."""
    return _list("For a second look", rows, more, "Nothing is left to be judged.", to_judge=True)


def _list(heading: str, rows: Sequence[Row], more: int, empty: str, *, to_judge: bool = False) -> Message:
    if not rows:
        return private(empty)
    shown, left = rows[:ROWS], more + len(rows[ROWS:])
    draw = drawn_to_judge if to_judge else drawn
    rest = [context(f"{left} more. App Home lists what is yours, page by page.")] if left else []
    first = "; ".join(aloud(row) for row in shown[:_ALOUD])
    beyond = f"; and {len(shown) + left - _ALOUD} more" if len(shown) + left > _ALOUD else ""
    text = f"{heading}: {escaped(first)}{beyond}."
    return Message(text, (header(heading), *draw(shown), *rest))


def help(*, is_admin: bool) -> Message:  # noqa: A001 - the word that people type
    known = [*WORDS, *(ADMIN_WORDS if is_admin else ())]
    return Message(f"/reviews knows: {', '.join(known)}.", (*_help(is_admin=is_admin),))


def _help(*, is_admin: bool) -> Iterator[Block]:
    yield header("What /reviews can do")
    yield rich(bullets(_explained(WORDS)))
    if is_admin:
        yield rich(words(bold("As an admin of the policy, also:")), bullets(_explained(ADMIN_WORDS)))


def _explained(known: Mapping[str, str]) -> Iterator[list[Run]]:
    return ([code(f"/reviews {word}"), f"  {what}"] for word, what in known.items())


def unknown(word: str, *, is_admin: bool) -> Message:
    """A wrong word gets the help, and not silence."""
    its, known = cut(line(word), _WORD), help(is_admin=is_admin)
    said = rich(words("/reviews does not know ", code(its or "that"), "."))
    return Message(f"/reviews does not know {escaped(its) or 'that'}. {known.text}", (said, *known.blocks))


def done(sentence: str) -> Message:
    """That it was done. People may be named as `<@U…>`."""
    return private(sentence)


def audit(dossier: Dossier) -> Message:
    """Everything that happened to a package; where that is too much, its end. What was said is in Details."""
    events = dossier.history
    left = len(events) - _ENTRIES
    shown = [entry(dossier, happened) for happened in events[-_ENTRIES:]]
    more = [context(f"{counted(left, 'earlier event')} in Details.")] if left > 0 else []
    whole = button("Details", ActionId.DETAILS, str(dossier.ref), spoken=f"Details: {title_of(dossier)}")
    text = f"{counted(len(events), 'event')} of {dossier.state.decision_package_id}: {escaped(title_of(dossier))}."
    return Message(text, (header("What happened"), about(dossier), *more, *shown, actions([whole])))


def policy(summary: Iterable[str]) -> Message:
    """The summary that `countersign policy check` prints, as far as a message holds it."""
    text = "\n".join(summary)
    shown = text if len(text) <= _SUMMARY else text[: text.rfind("\n", 0, _SUMMARY)]
    more = [context("Cut here: `countersign policy check` prints all of it.")] if shown != text else []
    drawn_text = [rich(preformatted(piece.strip("\n"))) for piece in pieces(clean(shown))]
    return Message("The policy that holds now.", (header("The policy that holds now"), *drawn_text, *more))
