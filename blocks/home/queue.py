"""A line of the queue: one package, as it stands in App Home and in the answers of `/reviews`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from blocks.kit.elements import Block, Element, actions, button, quote, rich, section, words
from blocks.kit.ids import ActionId, Ref
from blocks.kit.text import counted, cut, in_utc, line, when
from blocks.words.sentences import NAME
from blocks.words.verbs import LOOKS
from rules.scales import HITLLevel, RiskLevel
from rules.state.commands import HumanDecisionType, Verb
from rules.state.model import Status
from rules.wording import humanize

ROWS = 10  # on a page


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """`title` is None where retention has emptied it. `decision` and `decided_at` are the viewer's own.

    `agent` and `taken_by` are names; `standing` is what became of it, as its card has it.
    """

    ref: Ref
    title: str | None
    agent: str
    risk: RiskLevel
    level: HITLLevel
    status: Status
    standing: str
    due_at: datetime | None = None
    role: str | None = None
    assigned_to_me: bool = False
    taken_by: str | None = None
    decision: HumanDecisionType | None = None
    decided_at: datetime | None = None


def drawn(rows: Iterable[Row]) -> Iterator[Block]:
    for row in rows:
        yield _asked(row)
        yield section(facts(row), _details(row))


def drawn_to_judge(rows: Iterable[Row]) -> Iterator[Block]:
    for row in rows:
        yield _asked(row)
        yield section(facts(row))
        label = LOOKS[Verb.JUDGE].label
        judge = button(label, Verb.JUDGE, str(row.ref), spoken=f"{label}: {title(row)}")
        yield actions([judge, _details(row)])


def _asked(row: Row) -> Block:
    who, asks = cut(line(row.agent), NAME) or "An agent", "asked" if row.status.terminal else "asks"
    taken = f", taken up by {cut(line(row.taken_by), NAME)}" if row.taken_by else ""
    return rich(words(f"{who} {asks}{taken}:"), quote(title(row)))


def title(row: Row) -> str:
    return line(row.title) or "–" if row.title is not None else "(its words were emptied)"


def _details(row: Row) -> Element:
    return button("Details", ActionId.DETAILS, str(row.ref), spoken=f"Details: {title(row)}")


def facts(row: Row) -> str:
    """What the service knows of it, as markup: it names nobody."""
    return " · ".join(_decided(row) if row.decision else _waiting(row))


def _waiting(row: Row) -> Iterator[str]:
    yield f"*{row.risk.capitalize()} risk*"
    yield humanize(row.level) if row.status is Status.PENDING else _standing(row)
    if row.due_at:
        yield f"by {when(row.due_at)}"
    if row.role:
        yield f"for {humanize(row.role)}"
    if row.assigned_to_me:
        yield "*yours*"


def _decided(row: Row) -> Iterator[str]:
    yield f"You said *{humanize(row.decision or '')}*" + (f" {when(row.decided_at)}" if row.decided_at else "")
    yield f"now: {_standing(row)}"


def _standing(row: Row) -> str:
    return row.standing[:1].lower() + row.standing[1:]


def aloud(row: Row) -> str:
    """For the text that is read out; still to be escaped."""
    due = f", by {in_utc(row.due_at)}" if row.due_at else ""
    return f"{title(row)} ({row.risk} risk{due})"


def how_many(count: int) -> str:
    return counted(count, "package")
