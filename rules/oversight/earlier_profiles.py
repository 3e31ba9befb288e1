"""`EarlierProfiles`: what agents had earned at an earlier time.

The store keeps only the present profile of an agent and action type, with its last failures. The events of the record
say when its level changed. What these cannot tell is unknown, and is never guessed.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from rules.people.autonomy import AutonomyProfile
from rules.policy.model import Policy
from rules.scales import HITLLevel
from rules.spelling import normalize_name


class When(NamedTuple):
    """When an event happened. Of two in the same instant, the one whose id begins with the earlier time came first."""

    at: datetime
    started: str

    @classmethod
    def of(cls, event_id: str, at: datetime) -> When:
        return cls(at, event_id.removeprefix("evt_")[:12])


class LevelChange(NamedTuple):
    """An `autonomy.changed` event. `before` is None if the event cannot be read."""

    agent_id: str
    action_type: str
    when: When
    before: HITLLevel | None


class UnknownProfileError(Exception):
    """How much autonomy the agent had earned at that time is not known."""


_Key = tuple[str, str]
_MAX_FAILURES_BEFORE = 100  # an earlier release kept no more of a profile, so older ones may be missing


class EarlierProfiles:
    """`changes`: all that the record has, oldest first."""

    def __init__(self, profiles: Iterable[AutonomyProfile], changes: Iterable[LevelChange]) -> None:
        self._present = {(profile.agent_id, normalize_name(profile.action_type)): profile for profile in profiles}
        self._changes: dict[_Key, list[LevelChange]] = {}
        for change in changes:
            self._changes.setdefault((change.agent_id, normalize_name(change.action_type)), []).append(change)

    def at(self, agent_id: str, action_type: str, now: When, policy: Policy) -> AutonomyProfile | None:
        """The profile at that time; None if there was none. Raises `UnknownProfileError`.

        When a profile was first saved is not kept. That matters only if the policy's start differs from its level.
        """
        key = (agent_id, normalize_name(action_type))
        present = self._present.get(key)
        if present is None:
            return None
        changes = self._changes.get(key, [])
        place = bisect_right([change.when for change in changes], now)
        level = changes[place].before if place < len(changes) else present.current_level
        if level is None:
            raise UnknownProfileError
        failures = _failures_until(present, now.at, policy)
        existed = place > 0 or bool(failures)
        if not existed and level is not policy.autonomy.start:
            raise UnknownProfileError
        return present.model_copy(update={"current_level": level, "recent_failures": failures})


def _failures_until(present: AutonomyProfile, now: datetime, policy: Policy) -> tuple[datetime, ...]:
    kept = present.recent_failures
    is_cut = len(kept) >= _MAX_FAILURES_BEFORE and kept[0] > now - policy.matrix.failure_window
    if is_cut or now in kept:  # in the same instant: which came first is not kept
        raise UnknownProfileError
    return tuple(failed for failed in kept if failed <= now)
