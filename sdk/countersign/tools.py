"""A registry of an agent's tools. A tool that the policy calls high-impact raises if it is called outside a gate."""

from __future__ import annotations

import inspect
import tomllib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, ParamSpec, Self, TypeVar

from countersign.catalogue import Catalogue
from countersign.errors import UngatedToolError
from countersign.run import require_gate
from countersign.signature import imitate

P = ParamSpec("P")
T = TypeVar("T")

_GRAVE, _HARMLESS = {"reversibility": "irreversible_high"}, {"reversibility": "reversible"}


class Tools:
    """The tools of an agent, by action type or function name.

    `high_impact` and `harmless` are names or patterns (`send_*`). With `harmless` given, a tool that matches neither
    list is high-impact; without it, such a tool is harmless.
    """

    def __init__(self, high_impact: Iterable[str] = (), *, harmless: Iterable[str] | None = None) -> None:
        entries = [*((name, _GRAVE) for name in high_impact), *((name, _HARMLESS) for name in harmless or ())]
        self._catalogue = Catalogue(entries, {}, unlisted_needs_person=harmless is not None)
        self._tools: dict[str, Callable[..., Any]] = {}

    @classmethod
    def from_policy(cls, path: str | Path) -> Self:
        """Reads the service's `policy.toml`: an action that always needs a person's approval is high-impact.

        An action type that the policy does not list is high-impact too, because the service treats it as
        irreversible_high. So is one that goes ahead only once the agent has earned autonomy.
        """
        policy = tomllib.loads(Path(path).read_text(encoding="utf-8"))
        tools = cls()
        tools._catalogue = Catalogue(policy.get("actions", {}).items(), policy, unlisted_needs_person=True)
        return tools

    def is_high_impact(self, name: str) -> bool:
        """Whether this tool needs a gate. An exact name wins, then the longest matching pattern. Case is ignored.

        A high-impact entry also covers names that continue it after a `.` or `:`, whatever else matches.
        """
        return self._catalogue.needs_person(name)

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


def _guard(name: str, function: Callable[P, T]) -> Callable[P, T]:
    async def call_async(*args: P.args, **kwargs: P.kwargs) -> Any:
        require_gate(name)
        return await function(*args, **kwargs)  # type: ignore[misc]

    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        require_gate(name)
        return function(*args, **kwargs)

    guarded: Callable[P, T] = imitate(call_async if inspect.iscoroutinefunction(function) else call, function)
    return guarded
