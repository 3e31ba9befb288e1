"""Commands that the clock sends. Each gets its own command id: the rules, not the id, decide whether it is due."""

from __future__ import annotations

from typing import Any, TypeVar

from rules.state.model import PackageState
from rules.state.service_commands import ClockCommand
from store.installation.installation import fresh_id

C = TypeVar("C", bound=ClockCommand)


def for_state(kind: type[C], state: PackageState, **fields: Any) -> C:
    return for_package(kind, state.decision_package_id, **fields)


def for_package(kind: type[C], package_id: str, **fields: Any) -> C:
    return kind(command_id=f"clock {fresh_id()}", decision_package_id=package_id, **fields)
