"""Who somebody is: one active person of this workspace, and what today's policy lets them do."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from hashlib import sha256
from typing import Any

from rules.people.agent_keys import KeyScope, Rates
from rules.policy.model import Policy
from rules.scales import RiskLevel
from rules.values import Moment, Value


class Person(Value):
    """A user of the workspace as the directory knows them."""

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
    """The workspace's people and groups, as of `as_of`: too old, and nobody is known any more."""

    people: Mapping[str, Person] = {}
    groups: Mapping[str, frozenset[str]] = {}
    as_of: Moment | None = None

    def is_fresh(self, policy: Policy, now: datetime) -> bool:
        return self.as_of is not None and now - self.as_of <= policy.directory.max_age


class Roster:
    """The directory seen through a policy: who holds which role, and who may act in it. Made once for both."""

    def __init__(self, policy: Policy, directory: Directory) -> None:
        self.policy, self.directory = policy, directory
        self.authorizations: dict[Any, Any] = {}  # what follows from both, kept by `rules.authority.authorization`
        self._roles_of: dict[str, tuple[str, ...]] = {}
        for name, role in policy.roles.items():
            groups = (directory.groups.get(group, frozenset()) for group in role.groups)
            for user_id in frozenset(role.members).union(*groups):
                self._roles_of[user_id] = (*self._roles_of.get(user_id, ()), name)
        self._able = {user_id: self._acting_as(held) for user_id, held in self._roles_of.items()}

    def _acting_as(self, holds: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
        """For each role in which the holder of these may act: which of them let them."""
        able: dict[str, tuple[str, ...]] = {}
        for held in holds:
            for role in self.policy.roles_implied_by(held):
                able[role] = (*able.get(role, ()), held)
        return able

    def person(self, user_id: str) -> Person | None:
        return self.directory.people.get(user_id)

    def roles_of(self, user_id: str) -> tuple[str, ...]:
        """The roles that the policy gives this person, by name or by group; what these include is not listed."""
        return self._roles_of.get(user_id, ())

    @property
    def reviewers(self) -> frozenset[str]:
        """Everyone whom the policy gives any role."""
        return frozenset(self._roles_of)

    def roles_acting_as(self, user_id: str, role: str) -> tuple[str, ...]:
        """The roles of this person in which they may act as `role`."""
        return self._able.get(user_id, {}).get(role, ())

    def users_acting_as(self, role: str) -> frozenset[str]:
        """Everyone who may act in this role, holders of roles that include it among them."""
        return self._acting.get(role, frozenset())

    def user_of_reference(self, reference_: str) -> str:
        """The user whom a record names by the digest of an e-mail address, if the directory knows them."""
        return self._by_reference.get(reference_, reference_)

    @cached_property
    def _acting(self) -> dict[str, frozenset[str]]:
        roles = {role for able in self._able.values() for role in able}
        return {role: frozenset(user for user, able in self._able.items() if role in able) for role in roles}

    @cached_property
    def names(self) -> Mapping[str, str]:
        return {person.user_id: person.name for person in self.directory.people.values() if person.name}

    @cached_property
    def domains(self) -> frozenset[str]:
        """The domains of everyone's address but of strangers from another workspace."""
        own = (person.email for person in self.directory.people.values() if person.email and not person.is_stranger)
        return frozenset(address.rpartition("@")[2].lower() for address in own)

    @cached_property
    def _by_reference(self) -> dict[str, str]:
        people = self.directory.people.values()
        return {reference(person.email): person.user_id for person in people if person.email}


class Part(StrEnum):
    """The parts that let a person act without a role."""

    REQUESTER = "requester"
    OWNER = "owner"
    ADMIN = "admin"


class ReviewerAuthorization(Value):
    """Under what authority somebody acted: kept in the event, as it was then."""

    reviewer_id: str
    roles: tuple[str, ...]
    tenant_id: str
    scopes: tuple[str, ...] = ()
    max_risk_level: RiskLevel = RiskLevel.LOW
    acting_as: Part | None = None

    @property
    def role(self) -> str:
        """The role that the record names: one that the person holds, or their part. Without either, no authority."""
        named = self.roles[0] if self.roles else self.acting_as
        if named is None:
            raise ValueError(f"{self.reviewer_id} has neither a role nor a part: that is no authority")
        return str(named)


class ActorKind(StrEnum):
    PERSON = "person"
    AGENT = "agent"
    AUTO = "auto"


class Actor(Value):
    """Who does something: a Slack user, an agent by its id, or the service by itself."""

    kind: ActorKind
    actor_id: str

    def __str__(self) -> str:
        return self.actor_id


AUTO = Actor(kind=ActorKind.AUTO, actor_id="auto")


class AgentStanding(StrEnum):
    ACTIVE = "active"
    PAUSED = "paused"
    REVOKED = "revoked"


class Agent(Value):
    """An agent: who answers for it, and whether it may do anything now."""

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
    """How the record names someone: a user id as it is, an e-mail address only as its digest."""
    if "@" not in identity:
        return identity
    return "email:" + sha256(identity.strip().lower().encode()).hexdigest()


def references(person: Person) -> frozenset[str]:
    """All the names under which this person may stand in a record."""
    return frozenset([person.user_id] + ([reference(person.email)] if person.email else []))
