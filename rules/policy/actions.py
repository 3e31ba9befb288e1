"""The action catalogue: what the organisation knows about each action type, whatever an agent says about it.

Names are compared regardless of case. The *own* entry of a type is the one with its exact name, or else the longest
pattern that matches. An entry whose name is a prefix of the type, up to a `.` or a `:`, is a *broader* entry: it can
make the type stricter, never milder, and a type with only broader entries still counts as unlisted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Annotated, NamedTuple, Self

from pydantic import Field, model_validator

from rules.form_schema import FormSchema
from rules.policy.tiers import NEVER_SILENT, TimeoutOverride
from rules.policy.types import ChannelId, Name
from rules.scales import HITLLevel, Reversibility, RiskLevel
from rules.spelling import normalize_name
from rules.string_enum import StringEnum
from rules.values import CrossFieldError, Value


class ToolApprovalRequirement(Value):
    """What a tool with outside effects requires before it may be called."""

    tool_name: str = Field(default="", max_length=100)
    effect_type: str = Field(default="", max_length=100)
    min_reviewer_role: Name | None = None
    approval_required: bool = True


def _is_none(value: object) -> bool:
    """Leaves the field out of the policy's digest if it is not set: then older policies keep their digest."""
    return value is None


class Look(StringEnum):
    """How the parameters of an action are laid out. What does not fit the layout is shown as `key: value`."""

    EMAIL = "email"


class Action(TimeoutOverride):
    """An entry of the action catalogue."""

    reversibility: Reversibility
    risk: RiskLevel = RiskLevel.LOW
    floor: HITLLevel | None = None
    role: Name | None = None
    data_classes: tuple[Name, ...] = ()
    tool: ToolApprovalRequirement | None = None
    channel: ChannelId | None = None
    parameters_schema: Annotated[FormSchema | None, Field(exclude_if=_is_none)] = None  # labels for "Edit and approve"
    look: Annotated[Look | None, Field(exclude_if=_is_none)] = None

    def tighten_with(self, other: Action) -> Action:
        """The entry made as strict as both. Roles and times are compared later, when the tier is known."""
        stricter = {
            "reversibility": max(self.reversibility, other.reversibility),
            "risk": max(self.risk, other.risk),
            "floor": max((floor for floor in (self.floor, other.floor) if floor), default=None),
            "data_classes": tuple(dict.fromkeys((*self.data_classes, *other.data_classes))),
            "tool": _stricter_tool(self.tool, other.tool),
        }
        return self.model_copy(update=stricter)


def _stricter_tool(
    tool: ToolApprovalRequirement | None, other: ToolApprovalRequirement | None
) -> ToolApprovalRequirement | None:
    return other if tool is None or (other and other.approval_required and not tool.approval_required) else tool


class Listing(NamedTuple):
    """The entries for an action type: its own and the broader ones. Without an own entry it is unlisted."""

    own: Action | None = None
    broader: tuple[Action, ...] = ()

    @property
    def action(self) -> Action | None:
        """All entries merged into one, with the strictest value of each field."""
        if not self.broader:
            return self.own
        merged = self.own or Action(reversibility=Reversibility.IRREVERSIBLE_HIGH)
        for other in self.broader:
            merged = merged.tighten_with(other)
        return merged


def listing(actions: Mapping[str, Action], action_type: str) -> Listing:
    """The entries for an action type. Of equally good matches the first is the own entry, the others are broader."""
    name = normalize_name(action_type)
    entries = [(normalize_name(written_name), entry) for written_name, entry in actions.items()]
    fitting = [(pattern, entry) for pattern, entry in entries if pattern == name or fnmatchcase(name, pattern)]
    own = _best_matches(name, fitting)
    prefixes = frozenset(_prefixes(name))
    broader = (entry for written_name, entry in entries if written_name in prefixes)
    return Listing(own[0] if own else None, (*own[1:], *broader))


def _best_matches(name: str, fitting: Iterable[tuple[str, Action]]) -> list[Action]:
    rank = {pattern: (pattern == name, len(pattern)) for pattern, _ in fitting}
    best = max(rank.values(), default=None)
    return [entry for pattern, entry in fitting if rank[pattern] == best]


def _prefixes(name: str) -> Iterator[str]:
    yield from (name[:place] for place, letter in enumerate(name) if letter in ".:")


class ReversibilityTable(Value):
    reversible: HITLLevel = HITLLevel.FULL_AUTO
    partially_reversible: HITLLevel = HITLLevel.NOTIFY_ONLY
    irreversible_low: HITLLevel = HITLLevel.SOFT_APPROVAL
    irreversible_high: HITLLevel = HITLLevel.HARD_APPROVAL

    def of(self, reversibility: Reversibility) -> HITLLevel:
        return getattr(self, reversibility.value)  # type: ignore[no-any-return]

    @model_validator(mode="after")
    def _irreversible_actions_need_approval(self) -> Self:
        if self.irreversible_high < HITLLevel.HARD_APPROVAL:
            raise CrossFieldError((("irreversible_high",), NEVER_SILENT))
        return self
