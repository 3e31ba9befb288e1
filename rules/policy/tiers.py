"""Tiers: the people, time and content that each risk level requires, with the built-in defaults.

`ReviewTimeoutPolicy` declares the fields of timing once. A tier has all of them, an action of the catalogue may
override each, and a package keeps them in its terms.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Annotated, Any, Self, TypeVar, get_type_hints

from pydantic import BeforeValidator, Field, create_model, model_validator

from rules.policy.types import Name, PositiveDuration
from rules.scales import HITLLevel, RiskLevel
from rules.string_enum import StringEnum
from rules.values import CrossFieldError, Value, write_duration


class OnTimeout(StringEnum):
    """What happens to a hard approval that nobody answers. Consent is not an option."""

    ESCALATE = "escalate"
    CANCEL = "cancel"
    DEFER = "defer"
    AUTO_REJECT = "auto_reject"


class Need(StringEnum):
    """What a package must contain in a tier, so that a person can judge it."""

    EVIDENCE = "evidence"
    UNCERTAINTY = "uncertainty"
    EFFECTS = "effects"
    CONSEQUENCE = "consequence"
    POLICY_BASIS = "policy_basis"


_Override = TypeVar("_Override", bound=Value)


def with_optional_fields_of(model: type[Value]) -> Callable[[type[_Override]], type[_Override]]:
    """Give a class every field of the model, with its checks, and None as the default."""
    fields: dict[str, Any] = {
        name: (kind | None, None)
        for name, kind in get_type_hints(model, include_extras=True).items()
        if name in model.model_fields
    }

    def extend(override: type[_Override]) -> type[_Override]:
        return create_model(override.__name__, __base__=override, __module__=override.__module__, **fields)

    return extend


class ReviewTimeoutPolicy(Value):
    """The timing of a review. Declared here once: for tiers, for actions and for the terms of a package."""

    soft_timeout: PositiveDuration = timedelta(seconds=300)
    hard_timeout: PositiveDuration = timedelta(hours=24)
    timeout_in_working_hours: bool = False
    on_timeout: OnTimeout = OnTimeout.ESCALATE
    ladder: tuple[Name, ...] = ()
    ladder_keeps: bool = True
    reminders: tuple[PositiveDuration, ...] = ()
    defer_for: PositiveDuration = timedelta(hours=24)
    approval_expiry: PositiveDuration = timedelta(hours=48)


@with_optional_fields_of(ReviewTimeoutPolicy)
class TimeoutOverride(Value):
    """The fields of `ReviewTimeoutPolicy` in an action: a field that is left out (None) has the tier's value."""

    def override(self, field: str) -> Any:
        """The value of one of these fields, which the type checker does not know."""
        return getattr(self, field)


class Tier(ReviewTimeoutPolicy):
    """What a risk level requires."""

    level: HITLLevel
    role: Name
    quorum: int = Field(default=1, ge=1, le=10)
    of_role: dict[Name, Annotated[int, Field(ge=1, le=10)]] = {}
    comment_required: bool = False
    details_first: bool = False
    needs: tuple[Need, ...] = ()

    @model_validator(mode="after")
    def _check_quorum_and_reminders(self) -> Self:
        if sum(self.of_role.values()) > self.quorum:
            raise CrossFieldError((("of_role",), f"asks for more people than the quorum of {self.quorum}"))
        if any(reminder >= self.hard_timeout for reminder in self.reminders):
            end = write_duration(self.hard_timeout)
            raise CrossFieldError((("reminders",), f"each must be shorter than hard_timeout, which is {end}"))
        return self


def _low() -> Tier:
    return Tier(level=HITLLevel.FULL_AUTO, role="reviewer", ladder=("senior_reviewer",))


def _medium() -> Tier:
    return Tier(level=HITLLevel.SOFT_APPROVAL, role="reviewer", ladder=("senior_reviewer",))


NEVER_SILENT = "must be hard_approval or human_takeover"
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


def _merged_with(default: Callable[[], Tier]) -> BeforeValidator:
    """Settings that the table does not name keep the built-in values of this tier."""
    return BeforeValidator(lambda table: {**dict(default()), **table} if isinstance(table, dict) else table)


class Tiers(Value):
    low: Annotated[Tier, _merged_with(_low)] = Field(default_factory=_low)
    medium: Annotated[Tier, _merged_with(_medium)] = Field(default_factory=_medium)
    high: Annotated[Tier, _merged_with(_high)] = Field(default_factory=_high)
    critical: Annotated[Tier, _merged_with(_critical)] = Field(default_factory=_critical)

    def of(self, risk: RiskLevel) -> Tier:
        return getattr(self, risk.value)  # type: ignore[no-any-return]

    @model_validator(mode="after")
    def _high_risk_needs_approval(self) -> Self:
        grave = (RiskLevel.HIGH, RiskLevel.CRITICAL)
        silent = [risk.value for risk in grave if self.of(risk).level < HITLLevel.HARD_APPROVAL]
        if silent:
            raise CrossFieldError(*(((risk, "level"), NEVER_SILENT) for risk in silent))
        return self
