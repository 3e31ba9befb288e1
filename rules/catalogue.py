"""The action catalogue: what the organisation knows of each action type, whatever an agent says of it."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from rules.notation import ChannelId, Name, Span
from rules.scales import HITLLevel, Reversibility, RiskLevel
from rules.tiers import NEVER_SILENT, OnTimeout
from rules.values import MisfitError, Value


class ToolApprovalRequirement(Value):
    """What a tool that reaches outside asks for before it may be called."""

    tool_name: str = Field(default="", max_length=100)
    effect_type: str = Field(default="", max_length=100)
    min_reviewer_role: Name | None = None
    approval_required: bool = True


class TimeoutOverride(Value):
    soft_timeout: Span | None = None
    hard_timeout: Span | None = None
    timeout_in_working_hours: bool | None = None
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
            raise MisfitError((("irreversible_high",), NEVER_SILENT))
        return self
