"""The installation as this process knows it: tenant id, active policy and directory.

Parsing a policy and reading thousands of people is too slow for each command, so one roster is kept in memory. Each
transaction reads the installation's row first, and uses the roster only if the row still names the same directory and
policy. So a change counts at once on every replica.

A database holds one installation, so these queries name no tenant.
"""

from __future__ import annotations

import secrets
import time
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, select

from rules.people.directory import Directory, Person, Roster
from rules.policy.model import Policy
from store.engine.statements import fetch_all
from store.engine.workers import require_thread
from store.installation.policy_texts import PolicyTexts
from store.schema.installation_tables import Absence, GroupMember, GroupRow, InstallationRow, PersonRow
from store.schema.tables import core

PEOPLE, GROUPS, MEMBERS = core(PersonRow), core(GroupRow), core(GroupMember)
ABSENCES, INSTALLATION = core(Absence), core(InstallationRow)

_OF_PERSON = (
    (ABSENCES.c.tenant_id == PEOPLE.c.tenant_id) & (ABSENCES.c.user_id == PEOPLE.c.user_id) & ABSENCES.c.current
)
_PEOPLE = select(PEOPLE, ABSENCES.c.until, ABSENCES.c.delegate).join(ABSENCES, _OF_PERSON, isouter=True)
_MEMBERS = select(MEMBERS.c.group_id, MEMBERS.c.user_id).where(MEMBERS.c.is_former.is_not(True))
STATUS_COLUMNS = (
    INSTALLATION.c.frozen,
    INSTALLATION.c.directory_version,
    INSTALLATION.c.directory_as_of,
    INSTALLATION.c.policy_digest,
)
_STATUS = select(*STATUS_COLUMNS)


def fresh_id() -> str:
    """Random with a time prefix, so that new rows are neighbours in every index."""
    return f"{time.time_ns() // 1_000_000:012x}{secrets.token_hex(8)}"


class InstallationStatus(NamedTuple):
    """The installation's row, as the transaction sees it."""

    frozen: bool
    directory_version: int
    directory_as_of: datetime | None
    policy_digest: str | None


class Installation:
    """Caches the directory and the policy. Every transaction reads which versions are current."""

    def __init__(self, tenant_id: str, policy: Policy, *, clicks_provable: bool = True) -> None:
        """`clicks_provable`: whether it can be proven that clicks arrive. If not, silence never counts."""
        self.tenant_id, self.clicks_provable = tenant_id, clicks_provable
        self.process_id = secrets.token_hex(8)
        self.policies = PolicyTexts(policy)
        self._at_start = policy
        self._known: tuple[int, Roster] | None = None

    @property
    def policy(self) -> Policy:
        """The policy as last loaded, for display and pacing. Decisions use the policy of the roster."""
        return self._known[1].policy if self._known else self._at_start

    def status(self, connection: Connection) -> InstallationStatus:
        return InstallationStatus(*fetch_all(connection, _STATUS, {})[0])

    def roster(self, connection: Connection, status: InstallationStatus | None = None) -> Roster:
        """The people and the policy, as of this transaction."""
        current = status or self.status(connection)
        known = self._known
        if known and known[0] == current.directory_version and known[1].policy.digest == current.policy_digest:
            return known[1]
        require_thread()  # there may be thousands of people
        policy = self.policies.policy(connection, current.policy_digest)
        roster = Roster(policy, load_directory(connection, current.directory_as_of))
        self._known = (current.directory_version, roster)
        return roster

    @property
    def last_roster(self) -> Roster:
        """The roster as last loaded: good enough to decide whether a query is needed."""
        return self._known[1] if self._known else Roster(self.policy, Directory())


def load_directory(connection: Connection, as_of: datetime | None) -> Directory:
    """Read all people and the members of all groups."""
    groups: dict[str, set[str]] = {}
    for group_id, user_id in connection.execute(_MEMBERS):
        groups.setdefault(group_id, set()).add(user_id)
    people = (
        Person(
            user_id=row.user_id,
            name=row.name,
            email=row.email,
            active=row.active,
            is_bot=row.is_bot,
            is_guest=row.is_guest,
            is_stranger=row.is_stranger,
            away_until=row.until,
            delegate=row.delegate,
        )
        for row in connection.execute(_PEOPLE)
    )
    return Directory(
        people={person.user_id: person for person in people},
        groups={group: frozenset(members) for group, members in groups.items()},
        as_of=as_of,
    )
