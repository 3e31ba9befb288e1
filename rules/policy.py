"""The policy: how much human each thing takes, and which humans. Read from `policy.toml`.

Every number of the product that an organisation may want to change is here, with the default beside it.
What must never be changed (silence on high risk, approval without independence) is not here at all.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, model_validator

from rules.scales import HITLLevel, Reversibility, RiskLevel
from rules.values import Duration, MisfitError, Value, write_duration

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,49}$")]
UserId = Annotated[str, StringConstraints(pattern=r"^[UW][A-Z0-9]{1,20}$")]
GroupId = Annotated[str, StringConstraints(pattern=r"^S[A-Z0-9]{1,20}$")]
ChannelId = Annotated[str, StringConstraints(pattern=r"^[CG][A-Z0-9]{1,20}$")]
Pattern = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:*-]{1,100}$")]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]


def _within_reason(span: timedelta) -> timedelta:
    if span <= timedelta(0):
        raise ValueError("must be longer than nothing")
    if span > timedelta(days=36_500):
        raise ValueError("must be at most 36500d")  # so that now plus a span is always a date
    return span


Span = Annotated[Duration, AfterValidator(_within_reason)]


def _time_of_day(written: Any) -> Any:
    # Pydantic would read 9 as nine seconds past midnight, and a zone here would contradict `timezone`.
    if isinstance(written, str) and re.fullmatch(r"[0-2][0-9]:[0-5][0-9](:[0-5][0-9])?", written) and written < "24":
        return time.fromisoformat(written)
    if isinstance(written, time) and written.tzinfo is None:
        return written
    raise ValueError('write a time of day such as "09:00"')


def _day(written: Any) -> Any:
    if isinstance(written, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", written):
        return written
    if isinstance(written, date) and not isinstance(written, datetime):
        return written
    raise ValueError("write a date such as 2026-12-25")


TimeOfDay = Annotated[time, BeforeValidator(_time_of_day)]
Day = Annotated[date, BeforeValidator(_day)]


class OnTimeout(StrEnum):
    """What becomes of a hard approval that nobody answers. Consent is not among them."""

    ESCALATE = "escalate"
    CANCEL = "cancel"
    DEFER = "defer"
    AUTO_REJECT = "auto_reject"


class Need(StrEnum):
    """What a card of a tier must contain so that a person can judge it."""

    EVIDENCE = "evidence"
    UNCERTAINTY = "uncertainty"
    EFFECTS = "effects"
    CONSEQUENCE = "consequence"
    POLICY_BASIS = "policy_basis"


class WorkingHours(Value):
    """When a role is at work. Only then does silence count as silence."""

    timezone: str = "UTC"
    days: tuple[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ...] = ("mon", "tue", "wed", "thu", "fri")
    start: TimeOfDay = time(9)
    end: TimeOfDay = time(17)
    holidays: tuple[Day, ...] = ()

    @model_validator(mode="after")
    def _is_a_working_day(self) -> Self:
        try:
            ZoneInfo(self.timezone)
        except (KeyError, ValueError, OSError):
            raise MisfitError((("timezone",), "is unknown; write one such as Europe/Berlin")) from None
        if self.start >= self.end:
            raise MisfitError((("start",), f"must come before end, which is {self.end:%H:%M}"))
        return self


class Role(Value):
    """A kind of reviewer: who holds it, for what, and up to which risk."""

    members: tuple[UserId, ...] = ()
    groups: tuple[GroupId, ...] = ()
    includes: tuple[Name, ...] = ()
    scopes: tuple[Pattern, ...] = ("*",)
    max_risk: RiskLevel = RiskLevel.MEDIUM
    channel: ChannelId | None = None
    hours: WorkingHours | None = None

    def covers(self, action_type: str) -> bool:
        return any(fnmatchcase(action_type, scope) for scope in self.scopes)


class ReviewTimeoutPolicy(Value):
    """What time does to a package: each value may be left out of an action, which then takes its tier's."""

    soft_timeout: Span = timedelta(seconds=300)
    hard_timeout: Span = timedelta(hours=24)
    on_timeout: OnTimeout = OnTimeout.ESCALATE
    ladder: tuple[Name, ...] = ()
    reminders: tuple[Span, ...] = ()
    defer_for: Span = timedelta(hours=24)
    approval_expiry: Span = timedelta(hours=48)


class Tier(ReviewTimeoutPolicy):
    """What a risk level takes."""

    level: HITLLevel
    role: Name
    quorum: int = Field(default=1, ge=1, le=10)
    of_role: dict[Name, Annotated[int, Field(ge=1, le=10)]] = {}
    comment_required: bool = False
    details_first: bool = False
    needs: tuple[Need, ...] = ()

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        if sum(self.of_role.values()) > self.quorum:
            raise MisfitError((("of_role",), f"asks for more people than the quorum of {self.quorum}"))
        if any(reminder >= self.hard_timeout for reminder in self.reminders):
            end = write_duration(self.hard_timeout)
            raise MisfitError((("reminders",), f"each must be shorter than hard_timeout, which is {end}"))
        return self


def _low() -> Tier:
    return Tier(level=HITLLevel.FULL_AUTO, role="reviewer", ladder=("senior_reviewer",))


def _medium() -> Tier:
    return Tier(level=HITLLevel.SOFT_APPROVAL, role="reviewer", ladder=("senior_reviewer",))


_NEVER_SILENT = "must be hard_approval or human_takeover"
_HIGH_NEEDS = (Need.EVIDENCE, Need.UNCERTAINTY, Need.EFFECTS, Need.CONSEQUENCE, Need.POLICY_BASIS)


def _high() -> Tier:
    return Tier(
        level=HITLLevel.HARD_APPROVAL,
        role="senior_reviewer",
        ladder=("supervisor",),
        comment_required=True,
        reminders=(timedelta(hours=4), timedelta(hours=1)),
        needs=_HIGH_NEEDS,
    )


def _critical() -> Tier:
    return Tier(
        level=HITLLevel.HARD_APPROVAL,
        role="senior_reviewer",
        quorum=2,
        of_role={"supervisor": 1},
        ladder=("supervisor",),
        comment_required=True,
        details_first=True,
        reminders=(timedelta(hours=4), timedelta(hours=1)),
        needs=_HIGH_NEEDS,
    )


def _over(default: Callable[[], Tier]) -> BeforeValidator:
    """A table that names only some of a tier's settings changes only these: the others stay as built in."""
    return BeforeValidator(lambda written: {**dict(default()), **written} if isinstance(written, dict) else written)


class Tiers(Value):
    low: Annotated[Tier, _over(_low)] = Field(default_factory=_low)
    medium: Annotated[Tier, _over(_medium)] = Field(default_factory=_medium)
    high: Annotated[Tier, _over(_high)] = Field(default_factory=_high)
    critical: Annotated[Tier, _over(_critical)] = Field(default_factory=_critical)

    def of(self, risk: RiskLevel) -> Tier:
        return getattr(self, risk.value)  # type: ignore[no-any-return]

    @model_validator(mode="after")
    def _high_risk_is_never_silent(self) -> Self:
        grave = (RiskLevel.HIGH, RiskLevel.CRITICAL)
        silent = [risk.value for risk in grave if self.of(risk).level < HITLLevel.HARD_APPROVAL]
        if silent:
            raise MisfitError(*(((risk, "level"), _NEVER_SILENT) for risk in silent))
        return self


class ToolApprovalRequirement(Value):
    """What a tool that reaches outside asks for before it may be called."""

    tool_name: str = Field(default="", max_length=100)
    effect_type: str = Field(default="", max_length=100)
    min_reviewer_role: Name | None = None
    approval_required: bool = True


class TimeoutOverride(Value):
    soft_timeout: Span | None = None
    hard_timeout: Span | None = None
    on_timeout: OnTimeout | None = None
    ladder: tuple[Name, ...] | None = None
    reminders: tuple[Span, ...] | None = None
    defer_for: Span | None = None
    approval_expiry: Span | None = None


class Action(TimeoutOverride):
    """An entry of the action catalogue: what the organisation knows of an action type."""

    reversibility: Reversibility
    risk: RiskLevel = RiskLevel.LOW
    floor: HITLLevel | None = None
    role: Name | None = None
    data_classes: tuple[Name, ...] = ()
    tool: ToolApprovalRequirement | None = None
    channel: ChannelId | None = None


class ReversibilityTable(Value):
    reversible: HITLLevel = HITLLevel.FULL_AUTO
    partially_reversible: HITLLevel = HITLLevel.NOTIFY_ONLY
    irreversible_low: HITLLevel = HITLLevel.SOFT_APPROVAL
    irreversible_high: HITLLevel = HITLLevel.HARD_APPROVAL

    def of(self, reversibility: Reversibility) -> HITLLevel:
        return getattr(self, reversibility.value)  # type: ignore[no-any-return]

    @model_validator(mode="after")
    def _what_cannot_be_undone_is_never_silent(self) -> Self:
        if self.irreversible_high < HITLLevel.HARD_APPROVAL:
            raise MisfitError((("irreversible_high",), _NEVER_SILENT))
        return self


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
    failure_window: Span = timedelta(hours=24)


class Autonomy(Value):
    start: HITLLevel = HITLLevel.SOFT_APPROVAL
    promote_after_successes: int = Field(default=10, ge=1, le=100_000)
    demote_after_failures: int = Field(default=2, ge=1, le=1000)
    failure_window: Span = timedelta(hours=24)


class Kinds(Value):
    """The least that a kind of package takes, whatever else is said of it."""

    action: HITLLevel = HITLLevel.FULL_AUTO
    tool_call: HITLLevel = HITLLevel.FULL_AUTO
    output: HITLLevel = HITLLevel.HARD_APPROVAL
    plan: HITLLevel = HITLLevel.HARD_APPROVAL
    question: HITLLevel = HITLLevel.HARD_APPROVAL
    memory: HITLLevel = HITLLevel.SOFT_APPROVAL
    policy_exception: HITLLevel = HITLLevel.HARD_APPROVAL

    @model_validator(mode="after")
    def _a_question_waits_for_a_person(self) -> Self:
        if self.question < HITLLevel.HARD_APPROVAL:
            raise MisfitError((("question",), f"{_NEVER_SILENT}: silence is no answer"))
        return self


class Separation(Value):
    """Separation of duties. The requester, the delegation chain and the owner are always barred."""

    second_pair_of_eyes: bool = True


class Soft(Value):
    enabled: bool = True
    sample: Share = 0.1


class Windows(Value):
    rejection: Span = timedelta(hours=24)
    same_digest: Span = timedelta(hours=24)
    agent_answer: Span = timedelta(hours=48)
    outcome: Span = timedelta(hours=1)
    defer_at_most: Span = timedelta(days=30)
    key_overlap: Span = timedelta(hours=24)


class Queue(Value):
    assign: Literal["pull", "balanced"] = "pull"


class DirectoryPolicy(Value):
    max_age: Span = timedelta(hours=24)
    guests: tuple[UserId, ...] = ()


class Retention(Value):
    content: Span | None = None


class Channels(Value):
    default: ChannelId | None = None
    fallback: ChannelId | None = None
    admins: ChannelId | None = None


class Policy(Value):
    """A whole policy. `version` is its own name for itself; `digest` is that of the text it was read from."""

    version: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,50}$")]
    digest: str = Field(default="", exclude=True)
    admins: tuple[UserId, ...] = ()
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
    windows: Windows = Windows()
    queue: Queue = Queue()
    directory: DirectoryPolicy = DirectoryPolicy()
    retention: Retention = Retention()

    @property
    def full_version(self) -> str:
        """What events and decisions name: the policy's own version and the first of its text's digest."""
        return f"{self.version}+{self.digest.removeprefix('sha256:')[:12]}"

    def action(self, action_type: str) -> Action | None:
        """The catalogue's entry: the exact name first, then the longest pattern that fits."""
        if (exact := self.actions.get(action_type)) is not None:
            return exact
        fitting = [pattern for pattern in self.actions if fnmatchcase(action_type, pattern)]
        return self.actions[max(fitting, key=len)] if fitting else None

    def held_with(self, role: str) -> frozenset[str]:
        """The roles that someone holding `role` may act in: itself and all that it includes, however deep."""
        seen: set[str] = set()
        todo = [role]
        while todo:
            name = todo.pop()
            if name not in seen:
                seen.add(name)
                todo.extend(self.roles[name].includes if name in self.roles else ())
        return frozenset(seen)

    @model_validator(mode="after")
    def _names_only_roles_that_exist(self) -> Self:
        known = ", ".join(sorted(self.roles)) or "none"
        faults = [
            (place, f"there is no role {name!r}; the roles are: {known}")
            for place, name in self._role_names()
            if name not in self.roles
        ]
        if faults:
            raise MisfitError(*faults)
        return self

    def _role_names(self) -> list[tuple[tuple[str, ...], str]]:
        """Every place that names a role, and the name."""
        named: list[tuple[tuple[str, ...], str]] = [
            (("roles", role, "includes"), name) for role, its in self.roles.items() for name in its.includes
        ]
        for risk in RiskLevel:
            tier = self.tiers.of(risk)
            named.append((("tiers", risk.value, "role"), tier.role))
            named += [(("tiers", risk.value, "ladder"), name) for name in tier.ladder]
            named += [(("tiers", risk.value, "of_role"), name) for name in tier.of_role]
        for action_type, action in self.actions.items():
            named += [(("actions", action_type, "role"), action.role)] if action.role else []
            named += [(("actions", action_type, "ladder"), name) for name in action.ladder or ()]
            if action.tool and (role := action.tool.min_reviewer_role):
                named.append((("actions", action_type, "tool", "min_reviewer_role"), role))
        return named
