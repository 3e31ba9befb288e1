"""`Staffing`: who would be asked today about packages of another time. The directory of that time is not kept."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from functools import cached_property
from typing import Any

from sqlalchemy import Connection

from rules.authority.authorization import asked_roles, deciding_roles, eligible_users, question_in
from rules.people.directory import AUTO, Roster
from rules.policy.model import Policy
from rules.reasons import Refusal
from rules.scales import HITLLevel
from rules.state.model import PackageState
from rules.state.situation import Situation
from rules.verbs.submission import check_reviewers
from store.installation.installation import Installation, load_directory

_MAX_CACHED = 4096


class Staffing:
    """`packages`: how many ask each role. `people`: who could decide at least one of these in this role today.

    `unread`: roles that are also held by a group whose members are not known, for example because only the new policy
    names it. `unstaffed`: how many would be refused today, because too few people could decide them.
    """

    def __init__(self, connection: Connection, tenant_id: str, policy: Policy, now: datetime) -> None:
        as_of = Installation(tenant_id, policy).status(connection).directory_as_of
        self.roster = Roster(policy, load_directory(connection, as_of))
        self.as_of, self.is_known = as_of, self.roster.directory.is_fresh(policy, now)
        self.packages: Counter[str] = Counter()
        self.people: dict[str, set[str]] = {}
        self.unread: set[str] = set()
        self.unstaffed = 0
        self._today = Situation(
            policy=policy, roster=self.roster, now=now, tenant_id=tenant_id, fresh_id="", actor=AUTO
        )
        self._cached: dict[Any, tuple[dict[str, frozenset[str]], bool]] = {}

    def add(self, state: PackageState | None) -> None:
        """Add a package, unless it is refused or needs nobody."""
        if state is None or state.level <= HITLLevel.NOTIFY_ONLY:
            return
        self.packages.update(asked_roles(state))
        if not self.is_known:
            return
        able, is_refused = self._look_up(state)
        for role, users in able.items():
            self.people.setdefault(role, set()).update(users)
        roles = (*deciding_roles(state, self.roster.policy), *state.terms.ladder)
        unread = self._unread_roles.intersection(roles)
        self.unread |= unread & able.keys()
        self.unstaffed += is_refused and not unread

    @cached_property
    def _unread_roles(self) -> frozenset[str]:
        """The roles in which members of groups without known members could act."""
        policy, known = self.roster.policy, self.roster.directory.groups
        holders = (name for name, role in policy.roles.items() if not known.keys() >= set(role.groups))
        return frozenset[str]().union(*map(policy.roles_implied_by, holders))

    def _look_up(self, state: PackageState) -> tuple[dict[str, frozenset[str]], bool]:
        """Who could decide in each role, and whether too few could. Cached, because many packages ask the same."""
        key = state.action_type, state.risk, frozenset(state.barred.items()), state.requester, state.owner
        if key not in self._cached:
            if len(self._cached) >= _MAX_CACHED:
                self._cached.clear()
            question, now = question_in(state, *asked_roles(state)), self._today.now
            able = {role: eligible_users(self.roster, question, now, role) for role in question.roles}
            self._cached[key] = able, isinstance(check_reviewers(state, self._today), Refusal)
        return self._cached[key]
