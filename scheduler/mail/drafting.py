"""Decides what a mail tells now: everything that its receiver is still to be told, checked again.

A need that no longer holds is dropped with the reason. Only as many packages are read as the mail names, the most
urgent first; the others are counted, and checked when a later mail names them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import structlog
from sqlalchemy import Connection

from blocks.card.blindness import seen_by
from blocks.mail.listed import LISTED
from blocks.mail.mail import Mail, compose_mail, compose_trouble_mail, compose_wordless_mail
from blocks.mail.matter import Matter
from rules.authority.authorization import identify
from rules.authority.silence import card_seen_by
from rules.mail.reasons import MailReason
from rules.reasons import Refusal
from rules.state.sightings import CardLocation
from scheduler.cards.dossiers import dossier_of
from scheduler.mail.checking import Checks, why_nobody
from store.installation.installation import Installation
from store.mail.agenda import Agenda, KnownObstacles, OpenNeed, load_agenda
from store.mail.lanes import MailLane, comes_after_many
from store.outbox.cards import posted_cards
from store.outbox.deliveries import ClaimedCallback

log = structlog.get_logger()

MAX_ALONE = 5  # takeovers that wait for one person and are still told one by one

LinkTo = Callable[[CardLocation], str | None]
Drops = Mapping[OpenNeed, str]

NOT_WRITTEN = "a fault of Countersign itself, told in its log"
_GRAVITY = {reason: place for place, reason in enumerate(MailReason)}  # the gravest is 0


@dataclass(frozen=True, slots=True)
class Draft:
    """`mail` is None if nothing is left to tell. `package_id`: the only package that it is about.

    `has_words`: it has words of agents and people, which a server may refuse. `newest`: what was noted until then is
    counted without being named, for a later mail. `known`: what ends needs without a look at their packages,
    and `ruled_out`: why.
    """

    known: KnownObstacles
    tells: tuple[OpenNeed, ...] = ()
    drops: Drops = field(default_factory=dict)
    ruled_out: tuple[str, ...] = ()
    address: str | None = None
    mail: Mail | None = None
    package_id: str | None = None
    has_words: bool = False
    newest: datetime | None = None


def draft_mail(
    connection: Connection,
    installation: Installation,
    mail: ClaimedCallback,
    now: datetime,
    *,
    oldest: datetime | None,
    link_to: LinkTo,
) -> Draft:
    """What the mail tells now. Raises `DirectoryStaleError` if nobody knows who may be told.

    `oldest`: what was noted before comes too late.
    """
    roster = installation.roster(connection)
    person = identify(roster, mail.agent_id, now)  # for a mail, this is the id of the person
    if isinstance(person, Refusal):
        why = why_nobody(person)
        return Draft(KnownObstacles(why), ruled_out=(why,))
    checks = Checks.of(connection, installation, roster, person, now=now)
    known = checks.known(oldest)
    agenda = load_agenda(connection, mail, known)
    survey = _survey(agenda, checks)
    trouble = tuple(need for need in survey.left if need.reason is MailReason.UNINSTALLED)
    if trouble and checks.trouble:  # has a mail of its own; the next mail tells the rest
        text = compose_trouble_mail(checks.trouble)
        return Draft(known, trouble, survey.drops, address=person.email, mail=text)
    if _is_alone(connection, mail, survey):
        survey.keep_oldest()
    return _Writer(checks, link_to, has_words=not mail.words_refused).write(
        Draft(known, ruled_out=agenda.ruled_out), survey, agenda.newest
    )


@dataclass(slots=True)
class _Survey:
    """`left`: what still holds, of as many packages as a mail names. `packages`: how many there are with the others."""

    packages: int
    left: list[OpenNeed] = field(default_factory=list)
    drops: dict[OpenNeed, str] = field(default_factory=dict)

    @property
    def is_full(self) -> bool:
        return len({need.package_id for need in self.left}) >= LISTED

    def take(self, needs: Sequence[OpenNeed], checks: Checks) -> None:
        """Checks all needs of one package. If none holds, the package is not counted."""
        obstacles = {need: why for need in needs if (why := checks.obstacle(need))}
        self.drops |= obstacles
        self.left += [need for need in needs if need not in obstacles]
        if len(obstacles) == len(needs):
            self.packages -= 1

    def keep_oldest(self) -> None:
        """Not the most urgent: whoever submits one after another could keep back those that came before."""
        self.left = sorted(self.left, key=lambda need: need.noted_at)[:1]
        self.packages = len(self.left)


def _survey(agenda: Agenda, checks: Checks) -> _Survey:
    """Looks at the most urgent packages until as many hold as a mail names."""
    by_package: defaultdict[str, list[OpenNeed]] = defaultdict(list)
    for need in agenda.needs:
        by_package[need.package_id].append(need)
    survey, packages = _Survey(agenda.packages), list(by_package)
    for start in range(0, len(packages), LISTED):
        page = packages[start : start + LISTED]
        checks.load(page)
        for package_id in page:
            survey.take(by_package[package_id], checks)
            if survey.is_full:
                return survey
    return survey


def _is_alone(connection: Connection, mail: ClaimedCallback, survey: _Survey) -> bool:
    """A takeover is told whole, so it has a mail of its own; only if many wait, or came lately, are they one list."""
    is_takeover = mail.event_type == MailLane.TAKEOVER
    return is_takeover and survey.packages <= MAX_ALONE and not comes_after_many(connection, mail)


class _Writer:
    """Writes the mail about packages: the most urgent of them, and how many more there are."""

    def __init__(self, checks: Checks, link_to: LinkTo, *, has_words: bool) -> None:
        self._checks, self._link_to, self._has_words = checks, link_to, has_words

    def write(self, draft: Draft, survey: _Survey, newest: datetime | None) -> Draft:
        """A package that cannot be written must not keep back the others."""
        reasons = _gravest(survey.left)
        listed = [matter for package_id in reasons if (matter := self._matter(package_id, reasons[package_id]))]
        matters = listed if self._can_write(listed) else [matter for matter in listed if self._can_write([matter])]
        named = {matter.dossier.state.decision_package_id for matter in matters}
        tells = tuple(need for need in survey.left if need.package_id in named)
        drops = survey.drops | {need: NOT_WRITTEN for need in survey.left if need.package_id not in named}
        draft = replace(draft, tells=tells, drops=drops)
        return self._address(draft, matters, survey.packages - len(reasons), newest) if matters else draft

    def _address(self, draft: Draft, matters: Sequence[Matter], more: int, newest: datetime | None) -> Draft:
        is_alone = len(matters) == 1 and not more
        return replace(
            draft,
            address=self._checks.person.email,
            mail=self._compose(matters, more),
            package_id=matters[0].dossier.state.decision_package_id if is_alone else None,
            has_words=self._has_words,
            newest=newest if more else None,
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
            log.exception("mail.not_written", packages=[matter.dossier.state.decision_package_id for matter in matters])
            return False
        return True

    def _matter(self, package_id: str, reason: MailReason) -> Matter | None:
        """None if its content cannot be read."""
        checks = self._checks
        state, user_id = checks.states[package_id], checks.person.user_id
        posted = posted_cards(checks.connection, state.tenant_id, [package_id])[package_id]
        card = card_seen_by(state, user_id, posted)
        try:
            dossier = dossier_of(checks.connection, checks.installation, package_id, checks.now, user_id)
        except ValueError:
            log.exception("mail.package_unreadable", package=package_id)
            return None
        link = self._link_to(card) if card else None
        return Matter(reason, seen_by(dossier, user_id), link) if dossier else None


def _gravest(needs: Sequence[OpenNeed]) -> dict[str, MailReason]:
    """The gravest reason of each package."""
    reasons: dict[str, MailReason] = {}
    for need in sorted(needs, key=lambda need: _GRAVITY[need.reason]):
        reasons.setdefault(need.package_id, need.reason)
    return reasons
