"""A registry of an agent's tools. A tool that the policy calls high-impact raises if it is called outside a gate."""

from __future__ import annotations

import inspect
import tomllib
from collections.abc import Callable, Iterable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, ParamSpec, Self, TypeVar

from countersign.errors import UngatedToolError
from countersign.run import require_gate
from countersign.signature import imitate

P = ParamSpec("P")
T = TypeVar("T")

_BLOCKING_LEVELS = frozenset(["hard_approval", "human_takeover"])
# The service's defaults, for a policy file that leaves them out.
_BY_REVERSIBILITY = {"irreversible_high": "hard_approval"}
_BY_RISK = {"high": "hard_approval", "critical": "hard_approval"}
_SENSITIVE = ("financial", "pii", "personal", "regulated")


class Tools:
    """The tools of an agent, by action type or function name.

    `high_impact` and `harmless` are names or patterns (`send_*`). With `harmless` given, a tool that matches neither
    list is high-impact; without it, such a tool is harmless.
    """

    def __init__(self, high_impact: Iterable[str] = (), *, harmless: Iterable[str] | None = None) -> None:
        self._high_impact = tuple(high_impact)
        self._harmless = None if harmless is None else tuple(harmless)
        self._tools: dict[str, Callable[..., Any]] = {}

    @classmethod
    def from_policy(cls, path: str | Path) -> Self:
        """Reads the service's `policy.toml`: an action that always needs a person's approval is high-impact.

        An action type that the policy does not list is high-impact too, because the service treats it as
        irreversible_high.
        """
        policy = tomllib.loads(Path(path).read_text(encoding="utf-8"))
        actions = policy.get("actions", {})
        high_impact = {
            name for name, entry in actions.items() if not _BLOCKING_LEVELS.isdisjoint(_levels(entry, policy))
        }
        return cls(high_impact, harmless=actions.keys() - high_impact)

    def is_high_impact(self, name: str) -> bool:
        """Whether this tool needs a gate. An exact name wins, then the longest matching pattern. Case is ignored.

        A high-impact entry also covers names that continue it after a `.` or `:`, whatever else matches.
        """
        name, high_impact = name.casefold(), {pattern.casefold() for pattern in self._high_impact}
        if not high_impact.isdisjoint(_prefixes(name)):
            return True
        patterns = high_impact.union(pattern.casefold() for pattern in self._harmless or ())
        scores = {pattern: (pattern == name, len(pattern)) for pattern in patterns if fnmatchcase(name, pattern)}
        if not scores:
            return self._harmless is not None
        best = max(scores.values())
        return any(pattern in high_impact for pattern, score in scores.items() if score == best)

    def tool(self, function: Callable[P, T]) -> Callable[P, T]:
        """Registers a tool; use it as a decorator. A high-impact tool without a gate of its own raises outside one."""
        name = action_type_of(function)
        registered = function if hasattr(function, "gate") or not self.is_high_impact(name) else _guard(name, function)
        self._tools[name] = registered
        return registered

    def call(self, name: str, /, **arguments: Any) -> Any:
        """Calls a tool by the name that the model gave."""
        if name not in self._tools:
            raise UngatedToolError(f"{name!r} is no tool here; there are: {', '.join(sorted(self._tools)) or 'none'}")
        return self._tools[name](**arguments)


def action_type_of(function: Callable[..., Any]) -> str:
    gate = getattr(function, "gate", None)
    return gate.action_type if gate else function.__name__


def _prefixes(name: str) -> Iterator[str]:
    yield from (name[:place] for place, letter in enumerate(name) if letter in ".:")


def _levels(entry: dict[str, Any], policy: dict[str, Any]) -> Iterator[str]:
    """The levels that the policy asks for this action, regardless of what the agent says about it."""
    kind, risk, tool = entry.get("reversibility", ""), entry.get("risk", "low"), entry.get("tool")
    yield policy.get("reversibility", {}).get(kind, _BY_REVERSIBILITY.get(kind, ""))
    yield policy.get("tiers", {}).get(risk, {}).get("level", _BY_RISK.get(risk, ""))
    yield entry.get("floor", "")
    if tool is not None and tool.get("approval_required", True):
        yield "hard_approval"
    sensitive = policy.get("matrix", {}).get("sensitive", _SENSITIVE)
    if kind.startswith("irreversible") and not set(sensitive).isdisjoint(entry.get("data_classes", ())):
        yield "hard_approval"


def _guard(name: str, function: Callable[P, T]) -> Callable[P, T]:
    async def call_async(*args: P.args, **kwargs: P.kwargs) -> Any:
        require_gate(name)
        return await function(*args, **kwargs)  # type: ignore[misc]

    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        require_gate(name)
        return function(*args, **kwargs)

    guarded: Callable[P, T] = imitate(call_async if inspect.iscoroutinefunction(function) else call, function)
    return guarded
