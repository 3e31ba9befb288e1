"""Decides what a mail tells now: everything that its receiver is still to be told, checked again.

A person may have lost the role, someone may have decided, Slack may be back. Then the need is dropped with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy import Connection

from blocks.card.blindness import seen_by
from blocks.mail.listed import LISTED
from blocks.mail.mail import Mail, compose_mail, compose_trouble_mail, compose_wordless_mail
from blocks.mail.matter import Matter
from rules.authority.authorization import identify
from rules.authority.mailing import NO_LONGER_SO, SLACK_IS_BACK, mail_obstacle
from rules.authority.silence import card_seen_by
from rules.mail.reasons import MailReason
from rules.people.directory import Person, Roster
from rules.reasons import Reason, Refusal
from rules.state.model import PackageState
from rules.state.sightings import CardLocation
from scheduler.cards.dossiers import dossier_of
from store.installation import presence
from store.installation.installation import Installation
from store.mail import letters
from store.mail.letters import OpenNeed
from store.mail.preferences import quiet_people
from store.outbox import troubles
from store.outbox.cards import posted_cards
from store.outbox.deliveries import ClaimedCallback
from store.packages.packages import load_packages

log = structlog.get_logger()

MAX_ALONE = 5  # takeovers that wait for one person and are still told one by one

LinkTo = Callable[[CardLocation], str | None]
Drops = Mapping[OpenNeed, str]

TURNED_OFF = "this person has turned off all mails except takeovers"
NOT_THERE = "the package is not there"
NOTHING_TO_TELL = "there is nothing to tell"
NOT_WRITTEN = "a fault of Countersign itself, told in its log"
_OVER = {NO_LONGER_SO, SLACK_IS_BACK}
_GRAVITY = {reason: place for place, reason in enumerate(MailReason)}


class DirectoryStaleError(Exception):
    """Nobody knows who may be told, until the directory is read."""


@dataclass(frozen=True, slots=True)
class Recheck:
    """Whether a mail that may have arrived may be sent once more as it is, to `address`. `refusal`: why not."""

    address: str | None = None
    refusal: str | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """`mail` is None if nothing is left to tell. `package_id`: the only package that it is about.

    `has_words`: it has words of agents and people, which a server may refuse. `later`: what the mail counts without
    naming it, for a later mail.
    """

    tells: tuple[OpenNeed, ...]
    drops: Drops
    address: str | None = None
    mail: Mail | None = None
    package_id: str | None = None
    has_words: bool = False
    later: tuple[OpenNeed, ...] = ()


def draft_mail(
    connection: Connection, installation: Installation, mail: ClaimedCallback, now: datetime, link_to: LinkTo
) -> Draft:
    """What the mail tells now. Raises `DirectoryStaleError` if nobody knows who may be told."""
    needs, roster = letters.load_needs(connection, mail), installation.roster(connection)
    person = identify(roster, mail.agent_id, now)
    if isinstance(person, Refusal):
        return Draft((), dict.fromkeys(needs, _why_nobody(person)))
    checks = _Checks.of(connection, installation, roster, person, needs, now=now)
    drops = {need: why for need in needs if (why := checks.obstacle(need))}
    left = tuple(need for need in needs if need not in drops)
    trouble = tuple(need for need in left if need.reason is MailReason.UNINSTALLED)
    if trouble and checks.trouble:  # has a mail of its own; what else is to be told, the next one tells
        return Draft(trouble, drops, person.email, compose_trouble_mail(checks.trouble))
    writer = _Writer(connection, installation, checks, link_to, has_words=not mail.words_refused)
    return writer.write(_alone(left), drops)


def recheck_mail(connection: Connection, installation: Installation, mail: ClaimedCallback, now: datetime) -> Recheck:
    """What is over keeps nobody from being told of the rest. Raises `DirectoryStaleError` like `draft_mail`.

    A mail is refused if nothing in it is still to be told, or if something in it is no longer for this person.
    """
    needs, roster = letters.load_needs(connection, mail), installation.roster(connection)
    person = identify(roster, mail.agent_id, now)
    if isinstance(person, Refusal):
        return Recheck(refusal=_why_nobody(person))
    checks = _Checks.of(connection, installation, roster, person, needs, now=now)
    obstacles = [checks.obstacle(need) for need in needs]
    over = [why for why in obstacles if why]
    if None in obstacles and set(over) <= _OVER:
        return Recheck(person.email)
    return Recheck(refusal="; ".join(dict.fromkeys(over)) or NOTHING_TO_TELL)


def _alone(needs: tuple[OpenNeed, ...]) -> tuple[OpenNeed, ...]:
    """A takeover is told whole, so it has a mail of its own; only if many wait are they one list."""
    is_takeover = bool(needs) and all(need.reason is MailReason.TAKEOVER for need in needs)
    return needs[:1] if is_takeover and len(needs) <= MAX_ALONE else needs


def _why_nobody(refusal: Refusal) -> str:
    if refusal.reason is Reason.DIRECTORY_STALE:
        raise DirectoryStaleError
    return f"this person can no longer act on anything here ({refusal.reason})"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Checks:
    """What decides whether a need still holds, read once for a mail. `trouble`: with what Slack refuses the app."""

    person: Person
    roster: Roster
    now: datetime
    states: Mapping[str, PackageState]
    slack_is_away: bool
    trouble: str | None
    quiet: frozenset[str]

    @classmethod
    def of(
        cls,
        connection: Connection,
        installation: Installation,
        roster: Roster,
        person: Person,
        needs: Iterable[OpenNeed],
        *,
        now: datetime,
    ) -> _Checks:
        tenant_id, packages = installation.tenant_id, sorted({need.package_id for need in needs})
        current = troubles.current_troubles(connection, tenant_id)
        loaded = load_packages(connection, tenant_id, packages)
        return cls(
            person=person,
            roster=roster,
            now=now,
            states={package_id: package.state for package_id, package in loaded.items()},
            slack_is_away=presence.is_slack_away(connection, tenant_id, now, roster.policy.email.after),
            trouble=next((trouble.error for trouble in current if trouble.place == troubles.APP), None),
            quiet=quiet_people(connection, tenant_id),
        )

    def obstacle(self, need: OpenNeed) -> str | None:
        if self.person.user_id in self.quiet and need.reason is not MailReason.TAKEOVER:
            return TURNED_OFF
        if need.reason is MailReason.UNINSTALLED:
            return self._trouble_obstacle()
        state = self.states.get(need.package_id)
        if state is None:
            return NOT_THERE
        question = (state, need.reason, self.person.user_id, self.roster, self.now)
        return mail_obstacle(*question, slack_is_away=self.slack_is_away, quiet=self.quiet)

    def _trouble_obstacle(self) -> str | None:
        if self.trouble is None:
            return "Slack lets the app work again"
        return None if self.person.user_id in self.roster.policy.admins else "this person is no admin any more"


class _Writer:
    """Writes the mail about packages: the most urgent of them, and how many more there are."""

    def __init__(
        self,
        connection: Connection,
        installation: Installation,
        checks: _Checks,
        link_to: LinkTo,
        *,
        has_words: bool,
    ) -> None:
        self._connection, self._installation, self._checks, self._link_to = connection, installation, checks, link_to
        self._has_words = has_words

    def write(self, needs: Sequence[OpenNeed], drops: Drops) -> Draft:
        """A package that cannot be written must not keep back the others."""
        reasons = _gravest(needs)
        ordered = sorted(reasons, key=self._urgency)
        listed = [matter for package_id in ordered[:LISTED] if (matter := self._matter(package_id, reasons))]
        matters = listed if self._can_write(listed) else [matter for matter in listed if self._can_write([matter])]
        named = {matter.dossier.state.decision_package_id for matter in matters}
        faulty = set(ordered[:LISTED]) - named
        tells = tuple(need for need in needs if need.package_id in named)
        later = tuple(need for need in needs if need.package_id not in named | faulty)
        drops = {**drops, **{need: NOT_WRITTEN for need in needs if need.package_id in faulty}}
        if not matters:
            return Draft((), drops)
        more = len(ordered) - len(faulty) - len(matters)
        thread = ordered[0] if len(ordered) == 1 else None
        return Draft(
            tells, drops, self._checks.person.email, self._compose(matters, more), thread, self._has_words, later
        )

    def _compose(self, matters: Sequence[Matter], more: int = 0) -> Mail:
        if not self._has_words:
            return compose_wordless_mail(matters, more=more)
        show_title = self._checks.roster.policy.email.subject == "title"
        return compose_mail(matters, more=more, show_title=show_title)

    def _can_write(self, matters: Sequence[Matter]) -> bool:
        try:
            if matters:
                self._compose(matters)
        except Exception:
            log.exception("mail.not_written", packages=[one.dossier.state.decision_package_id for one in matters])
            return False
        return True

    def _urgency(self, package_id: str) -> tuple[int, datetime]:
        """The highest risk first, then the earliest deadline."""
        state = self._checks.states[package_id]
        return -state.risk.rank, state.ends_at

    def _matter(self, package_id: str, reasons: Mapping[str, MailReason]) -> Matter | None:
        """None if its content cannot be read."""
        state, user_id = self._checks.states[package_id], self._checks.person.user_id
        posted = posted_cards(self._connection, state.tenant_id, [package_id])[package_id]
        card = card_seen_by(state, user_id, posted)
        try:
            dossier = dossier_of(self._connection, self._installation, package_id, self._checks.now, user_id)
        except ValueError:
            log.exception("mail.package_unreadable", package=package_id)
            return None
        link = self._link_to(card) if card else None
        return Matter(reasons[package_id], seen_by(dossier, user_id), link) if dossier else None


def _gravest(needs: Sequence[OpenNeed]) -> dict[str, MailReason]:
    """The gravest reason of each package."""
    reasons: dict[str, MailReason] = {}
    for need in sorted(needs, key=lambda need: _GRAVITY[need.reason]):
        reasons.setdefault(need.package_id, need.reason)
    return reasons
