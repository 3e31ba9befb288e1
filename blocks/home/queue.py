"""Rows of lists, one package each, in App Home and in the answers of `/reviews`.

A row is for one person: it offers what this person may do, and links to the card only if they see it. It shows no
parameters, so a decision to go ahead always opens its form.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from blocks.kit.elements import Block, Element, Run, actions, bold, button, link, moment, paragraph, quote, rich
from blocks.kit.ids import ActionId, Ref
from blocks.kit.text import cut, in_utc, one_line, pluralize
from blocks.words.choices import OPEN_CARD, row_choices
from blocks.words.refusals import sentence_runs
from blocks.words.sentences import NAME, RISK_ICONS
from blocks.words.verbs import LOOKS
from rules.reasons import Refusal
from rules.scales import HITLLevel, RiskLevel
from rules.state.commands import HumanDecisionType, Verb
from rules.state.model import Status
from rules.wording import with_article

ROWS = 10  # on a page


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """`title` is None if retention has emptied it. `decision` and `decided_at` are the viewer's own.

    `due_at` is the deadline, or the time at which silence becomes consent. While the thread is on hold, it has none.
    `look_until`: the viewer is asked for a blind second look until then.

    `agent`, `requester` and `taken_by` are names; `status_label` is that of the card. `requested` is the decision for
    which the package asks, `offered` what the viewer may do, and `missing` why `requested` is not offered.
    """

    ref: Ref
    title: str | None
    agent: str
    requester: str | None = None
    risk: RiskLevel
    level: HITLLevel
    status: Status
    status_label: str
    due_at: datetime | None = None
    on_hold: bool = False
    role: str | None = None
    assigned_to_me: bool = False
    taken_by: str | None = None
    decision: HumanDecisionType | None = None
    decided_at: datetime | None = None
    requested: Verb = Verb.APPROVE
    offered: tuple[Verb, ...] = ()
    missing: Refusal | None = None
    link: str | None = None
    look_until: datetime | None = None


def row_blocks(rows: Iterable[Row]) -> Iterator[Block]:
    for row in rows:
        yield rich(quote(bold(row_title(row))), paragraph(*_facts(row)), *_missing(row))
        yield actions(row_choices(row.offered, row.requested, row.ref, row_title(row), _details(row)))


def row_title(row: Row) -> str:
    return one_line(row.title) or "–" if row.title is not None else "(content deleted)"


def _details(row: Row) -> Element:
    return button("Details", ActionId.DETAILS, str(row.ref), accessible_label=f"Details: {row_title(row)}")


def _facts(row: Row) -> Iterator[Run]:
    """One line: who asks, the risk, by when, for whom; or what the viewer decided and what came of it."""
    facts = _looked_at(row, row.look_until) if row.look_until else _decided(row) if row.decision else _waiting(row)
    for number, fact in enumerate([*facts, *_card_link(row)]):
        yield from (" · ", *fact) if number else fact


Fact = tuple[Run, ...]


def _waiting(row: Row) -> Iterator[Fact]:
    yield (_request(row),)
    yield (f"{RISK_ICONS[row.risk]} ", bold(f"{row.risk.value} risk"))
    if row.status is not Status.PENDING:
        yield (_status(row),)
    elif row.level is HITLLevel.HUMAN_TAKEOVER:
        yield ("to be taken over",)
    yield from _deadline(row)
    if row.assigned_to_me:
        yield (bold("assigned to you"),)
    elif row.taken_by:
        yield (f"taken up by {_name(row.taken_by)}",)


def _looked_at(row: Row, until: datetime) -> Iterator[Fact]:
    """Nothing about the decision, also if the viewer has had a part in it."""
    yield (f"{_name(row.agent) or 'An agent'} asked{f', for {_name(row.requester)}' if row.requester else ''}",)
    yield (f"{RISK_ICONS[row.risk]} ", bold(f"{row.risk.value} risk"))
    yield ("your blind second look, by ", moment(until))


def _deadline(row: Row) -> Iterator[Fact]:
    if row.on_hold:
        yield ("on hold",)
    elif row.level is HITLLevel.SOFT_APPROVAL and row.status is Status.PENDING:
        at = (moment(row.due_at), " ") if row.due_at else ()
        yield ("goes ahead ", *at, "unless someone objects")
    elif row.due_at:
        yield ("by ", moment(row.due_at))


def _request(row: Row) -> str:
    asks = f"asks {with_article(row.role)}" if row.role else "asked"
    for_whom = f", for {_name(row.requester)}" if row.requester else ""
    return f"{_name(row.agent) or 'An agent'} {asks}{for_whom}"


def _name(name: str) -> str:
    return cut(one_line(name), NAME)


def _decided(row: Row) -> Iterator[Fact]:
    did = f"You {LOOKS[Verb(row.decision)].past}" if row.decision else ""
    yield (f"{did} ", moment(row.decided_at, ago=True)) if row.decided_at else (did,)
    if _status_of(row.decision) is not row.status or ", " in row.status_label:
        yield (f"now: {_status(row)}",)


def _status_of(decision: HumanDecisionType | None) -> Status | None:
    """The status that says no more than the decision itself."""
    return _SAME.get(decision) if decision else None


_SAME: Mapping[HumanDecisionType, Status] = {
    HumanDecisionType.REJECT: Status.REJECTED,
    HumanDecisionType.REVISE: Status.REVISION_REQUESTED,
    HumanDecisionType.REQUEST_MORE_EVIDENCE: Status.EVIDENCE_REQUESTED,
    HumanDecisionType.DEFER: Status.DEFERRED,
    HumanDecisionType.TAKE_OVER: Status.TAKEN_OVER,
}


def _status(row: Row) -> str:
    return row.status_label[:1].lower() + row.status_label[1:]


def _card_link(row: Row) -> Iterator[Fact]:
    if row.link:
        yield (link(row.link, OPEN_CARD),)


def _missing(row: Row) -> Iterator[Element]:
    """What the viewer lacks, or must do first. A decided package asks for nothing."""
    if row.missing and not row.decision:
        yield paragraph(*sentence_runs(row.missing.sentence))


def row_text(row: Row) -> str:
    """The row as plain text for notifications and screen readers, not yet escaped."""
    due_at = row.look_until or row.due_at
    due = f", by {in_utc(due_at)}" if due_at else ""
    return f"{row_title(row)} ({row.risk} risk{due})"


def package_count(count: int) -> str:
    return pluralize(count, "package")
