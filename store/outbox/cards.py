"""Cards: each place where a package is shown, what is wanted there, and what was last shown.

Nothing here posts. A change only says that the places are behind; the reconciler makes Slack agree, and says so.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, func, or_, select, text, update

from rules.policy.model import Policy
from rules.scales import HITLLevel
from rules.state.model import PackageState, Status
from rules.state.sightings import CardLocation
from store.engine.batch import Batch, write_row
from store.packages.packages import PACKAGES
from store.schema.outbox_tables import Card, Rendering
from store.schema.tables import ReviewTaskRow, core

CARDS, RENDERINGS, TASKS = core(Card), core(Rendering), core(ReviewTaskRow)

_WANT = text(
    "INSERT INTO cards"
    " (tenant_id, package_id, place, wanted_revision, shown_revision, behind, noted_revision)"
    " VALUES (:tenant, :package, :place, :revision, 0, true, :revision)"
    " ON CONFLICT (tenant_id, package_id, place) DO NOTHING"
)
_KEEP = text(
    "INSERT INTO renderings (tenant_id, rendering_id, package_id, body, created_at)"
    " VALUES (:tenant, :rendering, :package, :body, :now) ON CONFLICT (tenant_id, rendering_id) DO NOTHING"
).bindparams(bindparam("now", type_=RENDERINGS.c.created_at.type))
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
_NOTED = update(CARDS).where(*_THIS).values(noted_revision=bindparam("revision"))
_LIES_AT = (
    update(CARDS)
    .where(*_THIS)
    .values(channel=bindparam("new_channel"), ts=bindparam("new_ts"), rendering_id=bindparam("rendering"))
)
_LYING = select(CARDS.c.package_id, CARDS.c.channel, CARDS.c.ts).where(
    CARDS.c.tenant_id == bindparam("tenant"),
    CARDS.c.package_id.in_(bindparam("packages", expanding=True)),
    CARDS.c.ts.is_not(None),
)
_COUNT = select(func.count()).select_from(CARDS).where(CARDS.c.tenant_id == bindparam("tenant"), CARDS.c.behind)

ROLE = "role:"  # a place that stands for the people of a role: each of them has one, and whoever joins them gets one
_OPEN = select(TASKS.c.package_id).where(TASKS.c.tenant_id == bindparam("tenant"), TASKS.c.open)
_ANEW = update(CARDS).where(CARDS.c.tenant_id == bindparam("tenant")).values(behind=True, held_until=None, held_by=None)
# Also from under the hands of whoever is at it: what they show there, nobody sees.
_BRING_ANEW = _ANEW.where(
    or_(CARDS.c.place == bindparam("at"), CARDS.c.channel == bindparam("at")),
    CARDS.c.package_id.in_(_OPEN),
)
# Also from under the hands of whoever is at it: what they know of the people may be old.
_ASK_ANEW = _ANEW.where(
    CARDS.c.package_id.in_(_OPEN),
    CARDS.c.place >= ROLE,
    CARDS.c.place < ROLE[:-1] + ";",
)
_DRAW_AGAIN = _ANEW.where(CARDS.c.package_id.in_(_OPEN))
# What waits for silence: who can see it is written down again. Someone who could not decide for a while starts again.
_PROVE_ANEW = _ANEW.where(
    CARDS.c.ts.is_not(None),
    CARDS.c.package_id.in_(
        select(PACKAGES.c.package_id).where(
            PACKAGES.c.tenant_id == bindparam("tenant"),
            PACKAGES.c.decided_at.is_(None),  # the index begins with it: no other state is read through
            PACKAGES.c.status == Status.PENDING.value,
            PACKAGES.c.level == HITLLevel.SOFT_APPROVAL.value,
        )
    ),
)
_PROVE_ANEW_HERE = _PROVE_ANEW.where(CARDS.c.channel == bindparam("at"))
_OF_PACKAGE_ANEW = _ANEW.where(CARDS.c.package_id == bindparam("package"))
_LOST = _OF_PACKAGE_ANEW.where(CARDS.c.channel == bindparam("in_channel"), CARDS.c.ts == bindparam("as_ts")).values(
    channel=None, ts=None, rendering_id=None
)
_ASKED = (
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
    """One place of one package, as it was when it was read."""

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

    @property
    def posted(self) -> bool:
        """Whether there is a card to update; else one has to be posted."""
        return self.ts is not None

    @property
    def is_person(self) -> bool:
        """Whether it is somebody's own conversation with us, which nobody else sees."""
        return self.place.startswith(("U", "W"))


def write_cards(batch: Batch, before: PackageState | None, after: PackageState, policy: Policy) -> None:
    if after.level is HITLLevel.FULL_AUTO:
        return
    key = {"tenant": after.tenant_id, "package": after.decision_package_id, "revision": after.revision}
    if before is None or before.task.required_role != after.task.required_role:
        batch.execute(_WANT, key | {"place": place_of(after, policy)})
    if before is not None:
        batch.execute(_BEHIND, key)


def place_of(state: PackageState, policy: Policy) -> str:
    """The action type's channel, else the role's, else the default; without any, the role's people one by one."""
    action, role = policy.action(state.action_type), policy.roles.get(state.task.required_role)
    named = (action.channel if action else None) or (role.channel if role else None) or policy.channels.default
    return named or f"{ROLE}{state.task.required_role}"


def channels_of(policy: Policy) -> list[str]:
    """Each channel that the policy names, once, in the order in which it names them."""
    of_all = policy.channels
    named = [of_all.default, of_all.fallback, of_all.admins]
    named += [role.channel for role in policy.roles.values()]
    named += [action.channel for action in policy.actions.values()]
    return list(dict.fromkeys(channel for channel in named if channel))


def is_card_of(connection: Connection, state: PackageState, channel: str, ts: str) -> bool:
    """Whether this message is a card of this package, as far as we know."""
    key = {"tenant": state.tenant_id, "package": state.decision_package_id}
    card = select(CARDS.c.place).where(*OF_PACKAGE, CARDS.c.channel == channel, CARDS.c.ts == ts)
    return connection.execute(card, key).first() is not None


def count_cards_behind(connection: Connection, tenant_id: str) -> int:
    found: int = connection.execute(_COUNT, {"tenant": tenant_id}).scalar_one()
    return found


class ShownCard(NamedTuple):
    """What a place now shows, and where in Slack that is."""

    revision: int
    channel: str
    ts: str
    rendering_id: str


def record_shown(connection: Connection, place: Place, shown: ShownCard) -> None:
    """The place shows the package as of this revision. What was wanted meanwhile is still wanted."""
    connection.execute(_SHOWN, _posted(place, shown) | {"revision": shown.revision})


def record_message(connection: Connection, place: Place, shown: ShownCard) -> None:
    """It was posted or drawn anew. What belongs to it, as its notes, may still be to be done."""
    connection.execute(_LIES_AT, _posted(place, shown))


def posted_cards(
    connection: Connection, tenant_id: str, packages: Collection[str]
) -> Mapping[str, frozenset[CardLocation]]:
    """For each package, where its cards are now. An older card of the same place is not among them."""
    found: defaultdict[str, set[CardLocation]] = defaultdict(set)
    for row in connection.execute(_LYING, {"tenant": tenant_id, "packages": list(packages)}):
        found[row.package_id].add(CardLocation(row.channel, row.ts))
    return {package: frozenset(found[package]) for package in packages}


def mark_lost(connection: Connection, tenant_id: str, package: str, card: CardLocation) -> None:
    """Slack does not have this card any more: it is posted again."""
    key = {"tenant": tenant_id, "package": package, "in_channel": card.channel, "as_ts": card.ts}
    connection.execute(_LOST, key)


def recheck_package_viewers(connection: Connection, tenant_id: str, package: str) -> None:
    """Nobody is known to see the cards of this package: Slack is asked once more who does."""
    connection.execute(_OF_PACKAGE_ANEW, {"tenant": tenant_id, "package": package})


def record_notes(connection: Connection, place: Place, revision: int) -> None:
    """The thread was told of everything up to there."""
    key = {"tenant": place.tenant_id, "package": place.package_id, "at": place.place}
    connection.execute(_NOTED, key | {"revision": revision})


def _posted(place: Place, shown: ShownCard) -> dict[str, str]:
    key = {"tenant": place.tenant_id, "package": place.package_id, "at": place.place}
    return key | {"new_channel": shown.channel, "new_ts": shown.ts, "rendering": shown.rendering_id}


def add_place(connection: Connection, place: Place, other: str) -> None:
    """The package is shown at another place too, because Slack refuses to show it at this one."""
    key = {"tenant": place.tenant_id, "package": place.package_id}
    connection.execute(_WANT, key | {"place": other, "revision": place.wanted_revision})


def add_personal_places(connection: Connection, place: Place, people: Iterable[str], revision: int) -> None:
    """Each of them has a place of their own. Who had one keeps it."""
    key = {"tenant": place.tenant_id, "package": place.package_id}
    for user in people:
        connection.execute(_WANT, key | {"place": user, "revision": place.wanted_revision})
    connection.execute(_ASKED, key | {"at": place.place, "revision": revision})


def recheck_people(connection: Connection, tenant_id: str) -> None:
    """Whoever may decide what is open has changed: somebody may have come to be asked in person, or to see a card."""
    connection.execute(_ASK_ANEW, {"tenant": tenant_id})
    connection.execute(_PROVE_ANEW, {"tenant": tenant_id})


def recheck_channel_viewers(connection: Connection, tenant_id: str, channel: str) -> int:
    """Who can see the cards there has changed; how many of them wait for silence."""
    return connection.execute(_PROVE_ANEW_HERE, {"tenant": tenant_id, "at": channel}).rowcount


def redraw_open_cards(connection: Connection, tenant_id: str) -> None:
    """Every card of an open package: what it says of people, quorum and deadlines comes from the policy in force."""
    connection.execute(_DRAW_AGAIN, {"tenant": tenant_id})


def redeliver_channel(connection: Connection, tenant_id: str, channel: str) -> int:
    """What waits for people there; how much that is."""
    return connection.execute(_BRING_ANEW, {"tenant": tenant_id, "at": channel}).rowcount


def move_channel(connection: Connection, tenant_id: str, old: str, new: str) -> None:
    """What lies in a channel lies there under its new id too."""
    connection.execute(_MOVE.values(channel=bindparam("new")), {"tenant": tenant_id, "old": old, "new": new})


class NewRendering(NamedTuple):
    """What is about to be shown, whole, under the id that its content gives it."""

    tenant: str
    package: str
    rendering: str
    body: str
    now: datetime


def save_rendering(connection: Connection, drawing: NewRendering) -> None:
    write_row(connection, _KEEP, drawing._asdict())
