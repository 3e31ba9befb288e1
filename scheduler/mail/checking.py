"""Whether what a mail tells still holds: asked before it is written, and again before its text leaves.

A person may have lost the role, someone may have decided, Slack may be back.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection

from rules.authority.authorization import identify
from rules.authority.mailing import NO_LONGER_SO, SLACK_IS_BACK, TAKEN, TURNED_OFF, mail_obstacle
from rules.mail.reasons import MailReason
from rules.people.directory import Person, Roster
from rules.reasons import Reason, Refusal
from rules.state.model import PackageState
from store.installation import presence
from store.installation.installation import Installation
from store.mail import letters
from store.mail.agenda import KnownObstacles, OpenNeed
from store.mail.preferences import quiet_people
from store.outbox import troubles
from store.outbox.deliveries import ClaimedCallback
from store.packages.packages import load_packages

NOT_THERE = "the package is not there"
MOVED = "the address of this person has changed"
NOTHING_TO_TELL = "there is nothing to tell"
_OVER = {NO_LONGER_SO, SLACK_IS_BACK, TAKEN}


class DirectoryStaleError(Exception):
    """Nobody knows who may be told, until the directory is read."""


class ClaimLostError(Exception):
    """Another process has claimed the mail, or could before the answer comes: this one must not send it."""


class OverError(Exception):
    """What the text tells has changed before the text left. The message says how."""


@dataclass(frozen=True, slots=True)
class Recheck:
    """Whether the saved text of a mail may be sent as it is, to `address`. `refusal`: why not."""

    address: str | None = None
    refusal: str | None = None


def recheck_mail(connection: Connection, installation: Installation, mail: ClaimedCallback, now: datetime) -> Recheck:
    """Whether what the saved text tells still holds. Raises `DirectoryStaleError` if nobody knows.

    What is over keeps nobody from being told of the rest: an agent that withdraws a package just before each attempt
    could keep back every mail otherwise. What is no longer for this person does keep the text back.
    """
    needs, roster = letters.load_told(connection, mail), installation.roster(connection)
    person = identify(roster, mail.agent_id, now)  # for a mail, this is the id of the person
    if isinstance(person, Refusal):
        return Recheck(refusal=why_nobody(person))
    checks = Checks.of(connection, installation, roster, person, now=now)
    checks.load(need.package_id for need in needs)
    obstacles = [checks.obstacle(need) for need in needs]
    over = [why for why in obstacles if why]
    if None in obstacles and set(over) <= _OVER:
        return Recheck(person.email)
    return Recheck(refusal="; ".join(dict.fromkeys(over)) or NOTHING_TO_TELL)


def begin_if_still_so(
    connection: Connection, installation: Installation, mail: ClaimedCallback, now: datetime, *, address: str | None
) -> str | None:
    """Count an attempt that may arrive, unless all that it tells is over: in one transaction. Returns why it is over.

    Raises `ClaimLostError` if another process has claimed the mail.
    """
    recheck = recheck_mail(connection, installation, mail, now)
    if recheck.refusal or recheck.address != address:
        return recheck.refusal or MOVED
    if not letters.begin_sending(connection, mail):
        raise ClaimLostError(mail.callback_id)
    return None


def why_nobody(refusal: Refusal) -> str:
    """Why this person gets no mail. Raises `DirectoryStaleError` if that is not known."""
    if refusal.reason is Reason.DIRECTORY_STALE:
        raise DirectoryStaleError
    return f"this person can no longer act on anything here ({refusal.reason})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checks:
    """What decides whether a need of this person still holds. `trouble`: with what Slack refuses the app."""

    connection: Connection
    installation: Installation
    person: Person
    roster: Roster
    now: datetime
    slack_is_away: bool
    trouble: str | None
    quiet: frozenset[str]
    states: dict[str, PackageState] = field(default_factory=dict)

    @classmethod
    def of(
        cls, connection: Connection, installation: Installation, roster: Roster, person: Person, *, now: datetime
    ) -> Checks:
        tenant_id = installation.tenant_id
        current = troubles.current_troubles(connection, tenant_id)
        return cls(
            connection=connection,
            installation=installation,
            person=person,
            roster=roster,
            now=now,
            slack_is_away=presence.is_slack_away(connection, tenant_id, now, roster.policy.email.after),
            trouble=next((trouble.error for trouble in current if trouble.place == troubles.APP), None),
            quiet=quiet_people(connection, tenant_id),
        )

    def known(self, oldest: datetime | None) -> KnownObstacles:
        """What rules out needs without a look at their packages."""
        takeovers_only = self.person.user_id in self.quiet
        return KnownObstacles(oldest=oldest, takeovers_only=takeovers_only, slack_is_back=not self.slack_is_away)

    def load(self, packages: Iterable[str]) -> None:
        """The packages as they are now, before their needs are checked."""
        loaded = load_packages(self.connection, self.installation.tenant_id, sorted(set(packages)))
        self.states.update({package_id: package.state for package_id, package in loaded.items()})

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
