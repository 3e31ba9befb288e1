"""The registry of an agent's tools: what policy calls high-impact cannot be called outside a gate."""

from __future__ import annotations

import inspect
import tomllib
from collections.abc import Callable, Iterable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, ParamSpec, Self, TypeVar

from countersign.errors import UngatedToolError
from countersign.run import require_gate
from countersign.signature import dressed

P = ParamSpec("P")
T = TypeVar("T")

_GRAVE = frozenset(["hard_approval", "human_takeover"])
# Where the policy's file leaves them out, these are the service's.
_BY_REVERSIBILITY = {"irreversible_high": "hard_approval"}
_BY_RISK = {"high": "hard_approval", "critical": "hard_approval"}
_SENSITIVE = ("financial", "pii", "personal", "regulated")


class Tools:
    """High-impact is what matches a name or pattern here; of the policy's own, whatever it does not call less."""

    def __init__(self, high_impact: Iterable[str] = (), *, harmless: Iterable[str] | None = None) -> None:
        self._high_impact = tuple(high_impact)
        self._harmless = None if harmless is None else tuple(harmless)
        self._tools: dict[str, Callable[..., Any]] = {}

    @classmethod
    def from_policy(cls, path: str | Path) -> Self:
        """By the service's `policy.toml`: high-impact is what it lets no agent do without a person.

        A type that it does not list counts as irreversible_high, so here too.
        """
        policy = tomllib.loads(Path(path).read_text(encoding="utf-8"))
        actions = policy.get("actions", {})
        grave = {name for name, entry in actions.items() if not _GRAVE.isdisjoint(_levels(entry, policy))}
        return cls(grave, harmless=actions.keys() - grave)

    def is_high_impact(self, name: str) -> bool:
        """An exact name comes first, then the longest pattern that fits. Capital letters make no difference.

        An entry that is the beginning of the name, up to a `.` or a `:`, can only make it high-impact.
        """
        name, grave = name.casefold(), {pattern.casefold() for pattern in self._high_impact}
        if not grave.isdisjoint(_beginnings(name)):
            return True
        known = grave.union(pattern.casefold() for pattern in self._harmless or ())
        rank = {pattern: (pattern == name, len(pattern)) for pattern in known if fnmatchcase(name, pattern)}
        if not rank:
            return self._harmless is not None
        best = max(rank.values())
        return any(pattern in grave for pattern, its in rank.items() if its == best)

    def tool(self, function: Callable[P, T]) -> Callable[P, T]:
        """Registers it under its action type or name. High-impact and without a gate, it can only be called in one."""
        name = action_type_of(function)
        kept = function if hasattr(function, "gate") or not self.is_high_impact(name) else _guarded(name, function)
        self._tools[name] = kept
        return kept

    def call(self, name: str, /, **arguments: Any) -> Any:
        """For an agent's loop: the tool by the name that the model gave."""
        if name not in self._tools:
            raise UngatedToolError(f"{name!r} is no tool here; there are: {', '.join(sorted(self._tools)) or 'none'}")
        return self._tools[name](**arguments)


def action_type_of(function: Callable[..., Any]) -> str:
    gate = getattr(function, "gate", None)
    return gate.action_type if gate else function.__name__


def _beginnings(name: str) -> Iterator[str]:
    yield from (name[:place] for place, letter in enumerate(name) if letter in ".:")


def _levels(entry: dict[str, Any], policy: dict[str, Any]) -> Iterator[str]:
    """What the policy itself asks for, however harmless the agent says it is."""
    kind, risk, tool = entry.get("reversibility", ""), entry.get("risk", "low"), entry.get("tool")
    yield policy.get("reversibility", {}).get(kind, _BY_REVERSIBILITY.get(kind, ""))
    yield policy.get("tiers", {}).get(risk, {}).get("level", _BY_RISK.get(risk, ""))
    yield entry.get("floor", "")
    if tool is not None and tool.get("approval_required", True):
        yield "hard_approval"
    sensitive = policy.get("matrix", {}).get("sensitive", _SENSITIVE)
    if kind.startswith("irreversible") and not set(sensitive).isdisjoint(entry.get("data_classes", ())):
        yield "hard_approval"


def _guarded(name: str, function: Callable[P, T]) -> Callable[P, T]:
    async def awaited(*args: P.args, **kwargs: P.kwargs) -> Any:
        require_gate(name)
        return await function(*args, **kwargs)  # type: ignore[misc]

    def called(*args: P.args, **kwargs: P.kwargs) -> T:
        require_gate(name)
        return function(*args, **kwargs)

    guarded: Callable[P, T] = dressed(awaited if inspect.iscoroutinefunction(function) else called, function)
    return guarded
