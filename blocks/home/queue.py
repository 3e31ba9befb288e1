"""Rows of the queue, one package each, in App Home and in the answers of `/reviews`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from blocks.kit.elements import Block, Element, actions, button, quote, rich, section, words
from blocks.kit.ids import ActionId, Ref
from blocks.kit.text import cut, in_utc, one_line, pluralize, slack_date
from blocks.words.sentences import NAME
from blocks.words.verbs import LOOKS
from rules.scales import HITLLevel, RiskLevel
from rules.state.commands import HumanDecisionType, Verb
from rules.state.model import Status
from rules.wording import humanize

ROWS = 10  # on a page


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """`title` is None if retention has emptied it. `decision` and `decided_at` are the viewer's own.

    `agent` and `taken_by` are names; `status_label` is that of the card.
    """

    ref: Ref
    title: str | None
    agent: str
    risk: RiskLevel
    level: HITLLevel
    status: Status
    status_label: str
    due_at: datetime | None = None
    role: str | None = None
    assigned_to_me: bool = False
    taken_by: str | None = None
    decision: HumanDecisionType | None = None
    decided_at: datetime | None = None


def row_blocks(rows: Iterable[Row]) -> Iterator[Block]:
    for row in rows:
        yield _request(row)
        yield section(row_facts(row), _details(row))


def judge_row_blocks(rows: Iterable[Row]) -> Iterator[Block]:
    for row in rows:
        yield _request(row)
        yield section(row_facts(row))
        label = LOOKS[Verb.JUDGE].label
        judge = button(label, Verb.JUDGE, str(row.ref), accessible_label=f"{label}: {row_title(row)}")
        yield actions([judge, _details(row)])


def _request(row: Row) -> Block:
    who, asks = cut(one_line(row.agent), NAME) or "An agent", "asked" if row.status.terminal else "asks"
    taken = f", taken up by {cut(one_line(row.taken_by), NAME)}" if row.taken_by else ""
    return rich(words(f"{who} {asks}{taken}:"), quote(row_title(row)))


def row_title(row: Row) -> str:
    return one_line(row.title) or "–" if row.title is not None else "(content deleted)"


def _details(row: Row) -> Element:
    return button("Details", ActionId.DETAILS, str(row.ref), accessible_label=f"Details: {row_title(row)}")


def row_facts(row: Row) -> str:
    """Facts from the service, as markup: they contain no names."""
    return " · ".join(_decision_parts(row) if row.decision else _waiting(row))


def _waiting(row: Row) -> Iterator[str]:
    yield f"*{row.risk.capitalize()} risk*"
    yield humanize(row.level) if row.status is Status.PENDING else _status(row)
    if row.due_at:
        yield f"by {slack_date(row.due_at)}"
    if row.role:
        yield f"for {humanize(row.role)}"
    if row.assigned_to_me:
        yield "*yours*"


def _decision_parts(row: Row) -> Iterator[str]:
    decided = LOOKS[Verb(row.decision)].past if row.decision else "decided"
    yield f"You *{decided}*" + (f" {slack_date(row.decided_at)}" if row.decided_at else "")
    yield f"now: {_status(row)}"


def _status(row: Row) -> str:
    return row.status_label[:1].lower() + row.status_label[1:]


def row_text(row: Row) -> str:
    """The row as plain text for notifications and screen readers, not yet escaped."""
    due = f", by {in_utc(row.due_at)}" if row.due_at else ""
    return f"{row_title(row)} ({row.risk} risk{due})"


def package_count(count: int) -> str:
    return pluralize(count, "package")
