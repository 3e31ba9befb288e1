"""Earned autonomy: it rises slowly, on successes that a person has reviewed, and falls fast."""

from __future__ import annotations

from datetime import datetime

from rules.policy.model import Autonomy
from rules.scales import HITLLevel
from rules.values import Moment, Value

_FAILURES_KEPT = 100


class AutonomyProfile(Value):
    """The track record of one agent with one action type."""

    agent_id: str
    action_type: str
    current_level: HITLLevel
    consecutive_successes: int = 0
    recent_failures: tuple[Moment, ...] = ()
    demoted_at: Moment | None = None

    def failures_since(self, moment: datetime) -> int:
        return sum(failed > moment for failed in self.recent_failures)

    def record_outcome(self, *, success: bool, now: datetime, settings: Autonomy) -> AutonomyProfile:
        return self._after_success(settings) if success else self._after_failure(now, settings)

    def _after_success(self, settings: Autonomy) -> AutonomyProfile:
        successes = self.consecutive_successes + 1
        if successes < settings.promote_after_successes:
            return self.model_copy(update={"consecutive_successes": successes})
        return self.model_copy(update={"consecutive_successes": 0, "current_level": _step(self.current_level, -1)})

    def _after_failure(self, now: datetime, settings: Autonomy) -> AutonomyProfile:
        since = now - settings.failure_window
        recent = (*self.recent_failures, now)[
            -_FAILURES_KEPT:
        ]  # not only of this window: the matrix has a window of its own
        failed = self.model_copy(update={"consecutive_successes": 0, "recent_failures": recent})
        fresh = failed.failures_since(max(since, self.demoted_at or since))
        return failed._after_demotion(now, settings) if fresh >= settings.demote_after_failures else failed  # noqa: SLF001

    def _after_demotion(self, now: datetime, settings: Autonomy) -> AutonomyProfile:
        # All earned autonomy is lost: a level below the start goes back to the start, any other rises by one.
        level = max(settings.start, _step(self.current_level, +1))
        return self.model_copy(update={"current_level": level, "demoted_at": now})


def _step(level: HITLLevel, by: int) -> HITLLevel:
    levels = list(HITLLevel)
    return levels[min(max(level.rank + by, 0), len(levels) - 1)]
