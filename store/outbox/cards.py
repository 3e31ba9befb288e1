"""Cards: for each place where a package is shown, the wanted revision and the one last shown.

Nothing here calls Slack. A change marks cards as outdated (`behind`); the reconciler updates Slack and records that.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from sqlalchemy import Boolean, Connection, bindparam, func, or_, select, text, update

from rules.policy.model import Policy
from rules.scales import HITLLevel
from rules.state.model import PackageState, Status
from rules.state.sightings import CardLocation
from store.engine.batch import Batch
from store.packages.packages import PACKAGES
from store.schema.outbox_tables import Card
from store.schema.tables import ReviewTaskRow, core

CARDS, TASKS = core(Card), core(ReviewTaskRow)

_WANT = text(
    "INSERT INTO cards"
    " (tenant_id, package_id, place, wanted_revision, shown_revision, behind, noted_revision)"
    " VALUES (:tenant, :package, :place, :revision, 0, true, :revision)"
    " ON CONFLICT (tenant_id, package_id, place) DO NOTHING"
)
OF_PACKAGE = (CARDS.c.tenant_id == bindparam("tenant"), CARDS.c.package_id == bindparam("package"))
_THIS = (*OF_PACKAGE, CARDS.c.place == bindparam("at"))
_BEHIND = update(CARDS).where(*OF_PACKAGE).values(wanted_revision=bindparam("revision"), behind=True)
_SHOWN = (
    update(CARDS)
    .where(*_THIS)
    .values(
        shown_revision=bindparam("revision"),
        behind=CARDS.c.wanted_revision > bindparam("revision"),
        noted_revision=bindparam("revision"),
        channel=bindparam("new_channel"),
        ts=bindparam("new_ts"),
        rendering_id=bindparam("rendering"),
        held_until=None,
        held_by=None,
    )
)
_NOTED = (
    update(CARDS)
    .where(*_THIS)
    .values(
        noted_revision=bindparam("revision"),
        has_notes=or_(CARDS.c.has_notes, bindparam("says_not_read", type_=Boolean)),
    )
)
_ASKING = update(CARDS).where(*_THIS).values(failure_ts=bindparam("note"))
_MESSAGE = (
    update(CARDS)
    .where(*_THIS)
    .values(
        channel=bindparam("new_channel"),
        ts=bindparam("new_ts"),
        rendering_id=bindparam("rendering"),
        has_notes=bindparam("still_has_notes"),
    )
)
_POSTED = select(CARDS.c.package_id, CARDS.c.channel, CARDS.c.ts).where(
    CARDS.c.tenant_id == bindparam("tenant"),
    CARDS.c.package_id.in_(bindparam("packages", expanding=True)),
    CARDS.c.ts.is_not(None),
)
_COUNT = select(func.count()).select_from(CARDS).where(CARDS.c.tenant_id == bindparam("tenant"), CARDS.c.behind)

ROLE = "role:"  # a place that stands for all members of a role: each of them, also a new one, gets a personal place
_OPEN = select(TASKS.c.package_id).where(TASKS.c.tenant_id == bindparam("tenant"), TASKS.c.open)
_AGAIN = (
    update(CARDS).where(CARDS.c.tenant_id == bindparam("tenant")).values(behind=True, held_until=None, held_by=None)
)
# Also takes claims away: nobody sees what their holders show there.
_REDELIVER = _AGAIN.where(
    or_(CARDS.c.place == bindparam("at"), CARDS.c.channel == bindparam("at")),
    CARDS.c.package_id.in_(_OPEN),
)
# Also takes claims away: their holders may use an old directory.
_RECHECK_PEOPLE = _AGAIN.where(
    CARDS.c.package_id.in_(_OPEN),
    CARDS.c.place >= ROLE,
    CARDS.c.place < ROLE[:-1] + ";",
)
_REDRAW = _AGAIN.where(CARDS.c.package_id.in_(_OPEN))
# For soft approvals: record again who can see the card. The time of someone who could not decide starts again.
_RECHECK_VIEWERS = _AGAIN.where(
    CARDS.c.ts.is_not(None),
    CARDS.c.package_id.in_(
        select(PACKAGES.c.package_id).where(
            PACKAGES.c.tenant_id == bindparam("tenant"),
            PACKAGES.c.decided_at.is_(None),  # first column of the index: avoids reading other packages
            PACKAGES.c.status == Status.PENDING.value,
            PACKAGES.c.level == HITLLevel.SOFT_APPROVAL.value,
        )
    ),
)
_RECHECK_VIEWERS_HERE = _RECHECK_VIEWERS.where(CARDS.c.channel == bindparam("at"))
_RECHECK_PACKAGE = _AGAIN.where(CARDS.c.package_id == bindparam("package"))
_LOST = _RECHECK_PACKAGE.where(CARDS.c.channel == bindparam("in_channel"), CARDS.c.ts == bindparam("as_ts")).values(
    channel=None, ts=None, rendering_id=None
)
_PERSONAL = (
    update(CARDS)
    .where(*_THIS)
    .values(
        shown_revision=bindparam("revision"),
        behind=CARDS.c.wanted_revision > bindparam("revision"),
        held_until=None,
        held_by=None,
    )
)
_MOVE = update(CARDS).where(CARDS.c.tenant_id == bindparam("tenant"), CARDS.c.channel == bindparam("old"))


class Place(NamedTuple):
    """A row of the cards: one place of one package."""

    tenant_id: str
    package_id: str
    place: str
    wanted_revision: int
    shown_revision: int
    behind: bool
    channel: str | None
    ts: str | None
    rendering_id: str | None
    noted_revision: int
    has_notes: bool
    failure_ts: str | None

    @property
    def posted(self) -> bool:
        """Whether the card was posted, so that it can be updated."""
        return self.ts is not None

    @property
    def is_person(self) -> bool:
        """Whether it is a direct message to one person."""
        return self.place.startswith(("U", "W"))


def write_cards(batch: Batch, before: PackageState | None, after: PackageState, policy: Policy) -> None:
    """Note that the package's cards are out of date, and the places where it must be shown from now on."""
    if after.level is HITLLevel.FULL_AUTO:
        return
    key = {"tenant": after.tenant_id, "package": after.decision_package_id, "revision": after.revision}
    if before is None or before.task.required_role != after.task.required_role:
        batch.execute(_WANT, key | {"place": place_of(after, policy)})
    if before is not None:
        batch.execute(_BEHIND, key)


def place_of(state: PackageState, policy: Policy) -> str:
    """The channel of the action type, else of the role, else the default; without any, the members of the role."""
    action, role = policy.action(state.action_type), policy.roles.get(state.task.required_role)
    named = (action.channel if action else None) or (role.channel if role else None) or policy.channels.default
    return named or f"{ROLE}{state.task.required_role}"


def is_card_of(connection: Connection, state: PackageState, channel: str, ts: str) -> bool:
    """Whether this message is recorded as a card of this package."""
    key = {"tenant": state.tenant_id, "package": state.decision_package_id}
    card = select(CARDS.c.place).where(*OF_PACKAGE, CARDS.c.channel == channel, CARDS.c.ts == ts)
    return connection.execute(card, key).first() is not None


def count_cards_behind(connection: Connection, tenant_id: str) -> int:
    count: int = connection.execute(_COUNT, {"tenant": tenant_id}).scalar_one()
    return count


class ShownCard(NamedTuple):
    """The revision that a card shows, and its message in Slack."""

    revision: int
    channel: str
    ts: str
    rendering_id: str


def record_shown(connection: Connection, place: Place, shown: ShownCard) -> None:
    """Record that the card shows this revision. If a newer one is wanted, the card stays outdated."""
    connection.execute(_SHOWN, _posted_values(place, shown) | {"revision": shown.revision})


def record_message(connection: Connection, place: Place, shown: ShownCard) -> None:
    """Record the message of the card. The card stays outdated: its notes may still be missing."""
    still = place.has_notes and (place.channel, place.ts) == (shown.channel, shown.ts)
    connection.execute(_MESSAGE, _posted_values(place, shown) | {"still_has_notes": still})


def posted_cards(
    connection: Connection, tenant_id: str, packages: Collection[str]
) -> Mapping[str, frozenset[CardLocation]]:
    """The messages of the current cards of each package, without older cards of the same places."""
    cards: defaultdict[str, set[CardLocation]] = defaultdict(set)
    for row in connection.execute(_POSTED, {"tenant": tenant_id, "packages": list(packages)}):
        cards[row.package_id].add(CardLocation(row.channel, row.ts))
    return {package: frozenset(cards[package]) for package in packages}


def mark_lost(connection: Connection, tenant_id: str, package: str, card: CardLocation) -> None:
    """Forget a card that Slack no longer has, so that it is posted again."""
    key = {"tenant": tenant_id, "package": package, "in_channel": card.channel, "as_ts": card.ts}
    connection.execute(_LOST, key)


def recheck_package_viewers(connection: Connection, tenant_id: str, package: str) -> None:
    """Ask Slack again who can see the cards of this package."""
    connection.execute(_RECHECK_PACKAGE, {"tenant": tenant_id, "package": package})


def record_notes(connection: Connection, place: Place, revision: int, *, says_not_read: bool = False) -> None:
    """Record that the notes up to this revision were posted in the thread. `says_not_read`: replies are not read."""
    key = {"tenant": place.tenant_id, "package": place.package_id, "at": place.place}
    connection.execute(_NOTED, key | {"revision": revision, "says_not_read": says_not_read})


def record_failure_note(connection: Connection, place: Place, ts: str | None) -> None:
    """Record the note that asks what to do about a failure; None once it asks no more."""
    key = {"tenant": place.tenant_id, "package": place.package_id, "at": place.place}
    connection.execute(_ASKING, key | {"note": ts})


def _posted_values(place: Place, shown: ShownCard) -> dict[str, str]:
    key = {"tenant": place.tenant_id, "package": place.package_id, "at": place.place}
    return key | {"new_channel": shown.channel, "new_ts": shown.ts, "rendering": shown.rendering_id}


def add_place(connection: Connection, place: Place, other: str) -> None:
    """Show the package at another place too, because Slack refuses this one."""
    key = {"tenant": place.tenant_id, "package": place.package_id}
    connection.execute(_WANT, key | {"place": other, "revision": place.wanted_revision})


def add_personal_places(connection: Connection, place: Place, people: Iterable[str], revision: int) -> None:
    """Give each of these people a personal place, unless they have one. Their role's place is then up to date."""
    key = {"tenant": place.tenant_id, "package": place.package_id}
    for user in people:
        connection.execute(_WANT, key | {"place": user, "revision": place.wanted_revision})
    connection.execute(_PERSONAL, key | {"at": place.place, "revision": revision})


def recheck_people(connection: Connection, tenant_id: str) -> None:
    """After a change of reviewers: personal cards may be needed, and other people may see cards for soft approval."""
    connection.execute(_RECHECK_PEOPLE, {"tenant": tenant_id})
    connection.execute(_RECHECK_VIEWERS, {"tenant": tenant_id})


def recheck_channel_viewers(connection: Connection, tenant_id: str, channel: str) -> int:
    """After a change of the channel's members. Returns the number of its cards for soft approval."""
    return connection.execute(_RECHECK_VIEWERS_HERE, {"tenant": tenant_id, "at": channel}).rowcount


def redraw_open_cards(connection: Connection, tenant_id: str) -> None:
    """Redraw the cards of all open packages: people, quorum and deadlines come from the active policy."""
    connection.execute(_REDRAW, {"tenant": tenant_id})


def redeliver_channel(connection: Connection, tenant_id: str, channel: str) -> int:
    """Deliver the channel's cards of open packages again. Returns their number."""
    return connection.execute(_REDELIVER, {"tenant": tenant_id, "at": channel}).rowcount


def move_channel(connection: Connection, tenant_id: str, old: str, new: str) -> None:
    """Move the cards of a channel to its new id."""
    connection.execute(_MOVE.values(channel=bindparam("new")), {"tenant": tenant_id, "old": old, "new": new})
