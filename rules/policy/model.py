"""`Policy`: whether someone has to approve a proposal, and who. Read from `policy.toml`, which explains each setting.

Everything that an organisation may want to change is a setting here, with its default. What must never change (silence
on high risk, approval without independence) is not a setting.
"""

from __future__ import annotations

from datetime import timedelta
from functools import lru_cache
from typing import Literal, Self

from pydantic import Field, model_validator

from rules.canonical import sha256_of
from rules.policy.actions import Action, Listing, Look, ReversibilityTable, listing
from rules.policy.exceptions import UNMARKED, Exceptions, ExceptionSettings, RuleMarks
from rules.policy.handoffs import Handoffs
from rules.policy.oversight import Audit, Feedback, Oversight
from rules.policy.roles import Role
from rules.policy.tiers import NEVER_SILENT, Tiers
from rules.policy.types import (
    Amount,
    ChannelId,
    Currency,
    Domain,
    Name,
    Pattern,
    PositiveDuration,
    Share,
    ShortName,
    UserId,
)
from rules.scales import HITLLevel, RiskLevel
from rules.values import CrossFieldError, Value


class ConfidenceBands(Value):
    takeover_below: Share = 0.5
    hard_below: Share = 0.65
    soft_below: Share = 0.80

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not self.takeover_below <= self.hard_below <= self.soft_below:
            raise ValueError("must rise: takeover_below, hard_below, soft_below")
        return self


class Matrix(Value):
    irreversible_soft_above: Share = 0.75
    reversible_auto_above: Share = 0.85
    sensitive: tuple[Name, ...] = ("financial", "pii", "personal", "regulated")
    cost_over: dict[Currency, Amount] = {"USD": 100, "EUR": 100, "GBP": 100}
    failures: int = Field(default=2, ge=1, le=1000)
    failure_window: PositiveDuration = timedelta(hours=24)


class Autonomy(Value):
    start: HITLLevel = HITLLevel.SOFT_APPROVAL
    promote_after_successes: int = Field(default=10, ge=1, le=100_000)
    demote_after_failures: int = Field(default=2, ge=1, le=1000)
    failure_window: PositiveDuration = timedelta(hours=24)


class Kinds(Value):
    """The minimum level of each kind of package."""

    action: HITLLevel = HITLLevel.FULL_AUTO
    tool_call: HITLLevel = HITLLevel.FULL_AUTO
    output: HITLLevel = HITLLevel.HARD_APPROVAL
    plan: HITLLevel = HITLLevel.HARD_APPROVAL
    question: HITLLevel = HITLLevel.HARD_APPROVAL
    memory: HITLLevel = HITLLevel.SOFT_APPROVAL
    policy_exception: HITLLevel = HITLLevel.HARD_APPROVAL

    @model_validator(mode="after")
    def _questions_need_a_person(self) -> Self:
        if self.question < HITLLevel.HARD_APPROVAL:
            raise CrossFieldError((("question",), f"{NEVER_SILENT}: silence is no answer"))
        return self


class Separation(Value):
    """Separation of duties. The requester, the delegation chain and the owner are always barred."""

    second_pair_of_eyes: bool = True


class Soft(Value):
    """`proof_every`: how old a proof that clicks arrive may be. `proof_lost`: how long silence waits for one."""

    enabled: bool = True
    sample: Share = 0.1
    proof_every: PositiveDuration = timedelta(minutes=2)
    proof_lost: PositiveDuration = timedelta(minutes=10)


class Windows(Value):
    rejection: PositiveDuration = timedelta(hours=24)
    same_digest: PositiveDuration = timedelta(hours=24)
    agent_answer: PositiveDuration = timedelta(hours=48)
    outcome: PositiveDuration = timedelta(hours=1)
    defer_at_most: PositiveDuration = timedelta(days=30)
    key_overlap: PositiveDuration = timedelta(hours=24)


class Queue(Value):
    assign: Literal["pull", "balanced"] = "pull"
    call: Literal["people", "role", "assignee"] = "people"


class Outcomes(Value):
    """`say_success`: a note in the card's thread also when an action was carried out. Failures always have one."""

    say_success: bool = False


class EmailPolicy(Value):
    """`after`: how long Slack has been away before what waits is told by mail. `per_hour`: mails to one person."""

    after: PositiveDuration = timedelta(minutes=10)
    subject: Literal["plain", "title"] = "plain"
    per_hour: int = Field(default=6, ge=1, le=60)


class DirectoryPolicy(Value):
    max_age: PositiveDuration = timedelta(hours=24)
    guests: tuple[UserId, ...] = ()
    outsiders: tuple[Domain, ...] = ()


class Retention(Value):
    content: PositiveDuration | None = None


class Channels(Value):
    default: ChannelId | None = None
    fallback: ChannelId | None = None
    admins: ChannelId | None = None


class Policy(Value):
    """A whole policy. `version` is the name that its author gave it; `digest` identifies its content.

    The digest is computed from the parsed policy, so comments, white space and the order of keys do not change it.
    """

    version: ShortName
    digest: str = Field(default="", exclude=True)
    admins: tuple[UserId, ...] = ()
    visibility: Literal["involved", "workspace"] = "involved"
    channels: Channels = Channels()
    roles: dict[Name, Role]
    tiers: Tiers = Field(default_factory=Tiers)
    actions: dict[Pattern, Action] = {}
    reversibility: ReversibilityTable = ReversibilityTable()
    confidence: ConfidenceBands = ConfidenceBands()
    matrix: Matrix = Matrix()
    autonomy: Autonomy = Autonomy()
    kinds: Kinds = Kinds()
    separation: Separation = Separation()
    soft: Soft = Soft()
    audit: Audit = Audit()
    windows: Windows = Windows()
    queue: Queue = Queue()
    outcomes: Outcomes = Outcomes()
    handoffs: Handoffs = Handoffs()
    rules: RuleMarks = dict(UNMARKED)
    exceptions: ExceptionSettings = Exceptions()
    email: EmailPolicy = EmailPolicy()
    feedback: Feedback = Feedback()
    oversight: Oversight = Oversight()
    directory: DirectoryPolicy = DirectoryPolicy()
    retention: Retention = Retention()

    def __hash__(self) -> int:
        return hash((self.version, self.digest))

    @property
    def full_version(self) -> str:
        """The name of the policy in events and decisions: its version and the start of its digest."""
        return f"{self.version}+{self.digest.removeprefix('sha256:')[:12]}"

    def listing(self, action_type: str) -> Listing:
        """The catalogue's entries for this action type (see `rules.policy.actions`)."""
        return _listing(self, action_type)

    def has_same_content(self, other: Policy) -> bool:
        """Whether both have the same content, whatever their digests."""
        return self.model_copy(update={"digest": other.digest}) == other

    @property
    def groups(self) -> frozenset[str]:
        """The Slack user groups that give people a role."""
        return frozenset(group for role in self.roles.values() for group in role.groups)

    @property
    def channel_ids(self) -> list[str]:
        """All channels in the policy, without duplicates, in the order of the policy."""
        named = [self.channels.default, self.channels.fallback, self.channels.admins]
        named += [role.channel for role in self.roles.values()]
        named += [action.channel for action in self.actions.values()]
        return list(dict.fromkeys(channel for channel in named if channel))

    @property
    def slack_ids(self) -> frozenset[str]:
        """The ids of people, user groups and channels that the policy names."""
        members = frozenset[str]().union(*(role.members for role in self.roles.values()))
        return members.union(self.admins, self.directory.guests, self.groups, self.channel_ids)

    @property
    def alert_recipients(self) -> tuple[str, ...]:
        """The people and the channel that the service alerts about its own troubles."""
        return (*self.admins, *((self.channels.admins,) if self.channels.admins else ()))

    @property
    def required_roles(self) -> frozenset[str]:
        """The roles that a package can need."""
        return frozenset(role for place, role in self._role_names() if place[0] != "roles")

    @property
    def unheld_roles(self) -> tuple[str, ...]:
        """The required roles that nobody holds: packages that need one are refused."""
        staffed = [name for name, role in self.roles.items() if role.members or role.groups]
        filled = frozenset[str]().union(*map(self.roles_implied_by, staffed))
        return tuple(sorted(self.required_roles - filled))

    def action(self, action_type: str) -> Action | None:
        """The catalogue's entries for this action type merged into one; None if there is none."""
        return self.listing(action_type).action

    def roles_implied_by(self, role: str) -> frozenset[str]:
        """The roles in which a holder of `role` may act: itself and all roles that it includes, at any depth."""
        seen: set[str] = set()
        todo = [role]
        while todo:
            name = todo.pop()
            if name not in seen:
                seen.add(name)
                todo.extend(self.roles[name].includes if name in self.roles else ())
        return frozenset(seen)

    def look(self, action_type: str) -> Look | None:
        """How the parameters of this action type are laid out, by its own entry."""
        own = self.listing(action_type).own
        return own.look if own else None

    @model_validator(mode="after")
    def _set_digest(self) -> Self:
        if not self.digest:
            object.__setattr__(self, "digest", sha256_of(self.model_dump(mode="json")))
        return self

    @model_validator(mode="after")
    def _check_role_names(self) -> Self:
        known = ", ".join(sorted(self.roles)) or "none"
        faults = [
            (place, f"there is no role {name!r}; the roles are: {known}")
            for place, name in self._role_names()
            if name not in self.roles
        ]
        if faults:
            raise CrossFieldError(*faults)
        return self

    def _role_names(self) -> list[tuple[tuple[str, ...], str]]:
        """Every role that the policy names, with its place."""
        named: list[tuple[tuple[str, ...], str]] = [
            (("roles", role, "includes"), name)
            for role, definition in self.roles.items()
            for name in definition.includes
        ]
        for risk in RiskLevel:
            tier = self.tiers.of(risk)
            named.append((("tiers", risk.value, "role"), tier.role))
            named += [(("tiers", risk.value, "ladder"), name) for name in tier.ladder]
            named += [(("tiers", risk.value, "of_role"), name) for name in tier.of_role]
        for action_type, action in self.actions.items():
            named += [(("actions", action_type, "role"), action.role)] if action.role else []
            named += [(("actions", action_type, "ladder"), name) for name in action.override("ladder") or ()]
            if action.tool and (role := action.tool.min_reviewer_role):
                named.append((("actions", action_type, "tool", "min_reviewer_role"), role))
        return named


@lru_cache(maxsize=1024)
def _listing(policy: Policy, action_type: str) -> Listing:
    return listing(policy.actions, action_type)
