"""People, agents and roles: the workspace's directory, and what today's policy lets each person do.

A `Roster` joins one directory with one policy. It is built once for each pair, is never changed, and answers who holds
a role and who may act in it. It tells nothing about the person: whether they are an active member, and whether the
directory is fresh enough to know, is checked by `rules.authority.authorization.identify`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from hashlib import sha256
from typing import Any

from rules.people.agent_keys import KeyScope, Rates
from rules.policy.model import Policy
from rules.scales import RiskLevel
from rules.string_enum import StringEnum
from rules.values import Moment, Value

AGENT_PREFIX = "agt_"


def is_agent(actor_id: str) -> bool:
    """Whether the actor of an event is an agent. Ids of people come from Slack, and are written in capitals."""
    return actor_id.startswith(AGENT_PREFIX)


class Person(Value):
    """A user of the workspace, as the directory knows them. `is_stranger`: from another workspace."""

    user_id: str
    name: str = ""
    email: str | None = None
    active: bool = True
    is_bot: bool = False
    is_guest: bool = False
    is_stranger: bool = False
    away_until: Moment | None = None
    delegate: str | None = None

    def is_away(self, now: datetime) -> bool:
        return self.away_until is not None and now < self.away_until


class Directory(Value):
    """The workspace's people and groups as of `as_of`."""

    people: Mapping[str, Person] = {}
    groups: Mapping[str, frozenset[str]] = {}
    as_of: Moment | None = None

    def is_fresh(self, policy: Policy, now: datetime) -> bool:
        return self.as_of is not None and now - self.as_of <= policy.directory.max_age


class Roster:
    """Who holds which role and who may act in it, by one directory and one policy. Only its caches change."""

    def __init__(self, policy: Policy, directory: Directory) -> None:
        self.policy, self.directory = policy, directory
        self.authorizations: dict[Any, Any] = {}  # a cache of `rules.authority.authorization`
        self._roles_of: dict[str, tuple[str, ...]] = {}
        for name, role in policy.roles.items():
            groups = (directory.groups.get(group, frozenset()) for group in role.groups)
            for user_id in frozenset(role.members).union(*groups):
                self._roles_of[user_id] = (*self._roles_of.get(user_id, ()), name)
        self._roles_acting_as = {user_id: self._by_acting_role(roles) for user_id, roles in self._roles_of.items()}

    def _by_acting_role(self, held: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
        """For each role in which a holder of these roles may act: the roles that allow it."""
        roles: dict[str, tuple[str, ...]] = {}
        for own in held:
            for role in self.policy.roles_implied_by(own):
                roles[role] = (*roles.get(role, ()), own)
        return roles

    def person(self, user_id: str) -> Person | None:
        return self.directory.people.get(user_id)

    def roles_of(self, user_id: str) -> tuple[str, ...]:
        """The roles that the policy gives this person by name or by group, without the roles that these include."""
        return self._roles_of.get(user_id, ())

    @property
    def reviewers(self) -> frozenset[str]:
        """Everyone who has a role."""
        return frozenset(self._roles_of)

    def roles_acting_as(self, user_id: str, role: str) -> tuple[str, ...]:
        """The roles of this person that let them act as `role`."""
        return self._roles_acting_as.get(user_id, {}).get(role, ())

    def users_acting_as(self, role: str) -> frozenset[str]:
        """Everyone who may act in this role, including holders of roles that include it."""
        return self._users_acting_as.get(role, frozenset())

    def user_of_reference(self, name: str) -> str:
        """The user id for a name in the audit record. Only the digest of a known e-mail address is another one."""
        return self._by_reference.get(name, name)

    @cached_property
    def _users_acting_as(self) -> dict[str, frozenset[str]]:
        users: dict[str, set[str]] = {}
        for user, roles in self._roles_acting_as.items():
            for role in roles:
                users.setdefault(role, set()).add(user)
        return {role: frozenset(acting) for role, acting in users.items()}

    @cached_property
    def names(self) -> Mapping[str, str]:
        return {person.user_id: person.name for person in self.directory.people.values() if person.name}

    @cached_property
    def domains(self) -> frozenset[str]:
        """The domains of all e-mail addresses, without those of strangers from another workspace."""
        own = (person.email for person in self.directory.people.values() if person.email and not person.is_stranger)
        return frozenset(address.rpartition("@")[2].lower() for address in own)

    @cached_property
    def _by_reference(self) -> dict[str, str]:
        people = self.directory.people.values()
        return {reference(person.email): person.user_id for person in people if person.email}


class Part(StringEnum):
    """The parts that let a person act without a role."""

    REQUESTER = "requester"
    OWNER = "owner"
    ADMIN = "admin"


class ReviewerAuthorization(Value):
    """The authority under which someone acted, as it was then. The event keeps it."""

    reviewer_id: str
    roles: tuple[str, ...]
    tenant_id: str
    scopes: tuple[str, ...] = ()
    max_risk_level: RiskLevel = RiskLevel.LOW
    acting_as: Part | None = None

    @property
    def role(self) -> str:
        """The role that the record names: a role of the person, or their part. Raises if there is neither."""
        named = self.roles[0] if self.roles else self.acting_as
        if named is None:
            raise ValueError(f"{self.reviewer_id} has neither a role nor a part: that is no authority")
        return str(named)


class ActorKind(StringEnum):
    PERSON = "person"
    AGENT = "agent"
    AUTO = "auto"


class Actor(Value):
    """Who does something: a Slack user, an agent, or the service itself."""

    kind: ActorKind
    actor_id: str

    def __str__(self) -> str:
        return self.actor_id


AUTO = Actor(kind=ActorKind.AUTO, actor_id="auto")


class AgentStanding(StringEnum):
    ACTIVE = "active"
    PAUSED = "paused"
    REVOKED = "revoked"


class Agent(Value):
    """An agent: its owner, its limits, and whether it may act now. `frozen`: an operator has paused all agents."""

    agent_id: str
    name: str
    owner: str
    standing: AgentStanding = AgentStanding.ACTIVE
    frozen: bool = False
    callback_url: str | None = None
    scope: KeyScope = KeyScope()
    rates: Rates = Rates()

    @property
    def actor(self) -> Actor:
        return Actor(kind=ActorKind.AGENT, actor_id=self.agent_id)

    @property
    def may_act(self) -> bool:
        return self.standing is AgentStanding.ACTIVE and not self.frozen


def reference(identity: str) -> str:
    """The name of a person in the record: a user id as it is, an e-mail address only as its digest."""
    if "@" not in identity:
        return identity
    return "email:" + sha256(identity.strip().lower().encode()).hexdigest()


def references(person: Person) -> frozenset[str]:
    """All names of this person in the record."""
    return frozenset([person.user_id] + ([reference(person.email)] if person.email else []))
