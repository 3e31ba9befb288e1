"""Earned autonomy: it rises slowly, on successes that a person has reviewed, and falls fast."""

from __future__ import annotations

from datetime import datetime

from rules.policy.model import Autonomy, Policy
from rules.scales import HITLLevel
from rules.values import Moment, Value

MAX_FAILURES = 1000  # as many as the policy can wait for


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

    def successes_to_rise(self, settings: Autonomy) -> int:
        """How many more reviewed successes, without a failure between them, earn the next milder level."""
        return max(settings.promote_after_successes - self.consecutive_successes, 1)

    def failures_to_fall(self, now: datetime, settings: Autonomy) -> int:
        """How many more failures, within the policy's window, lead to the next stricter level."""
        return max(settings.demote_after_failures - self.failures_that_count(now, settings), 1)

    def failures_that_count(self, now: datetime, settings: Autonomy) -> int:
        """The failures within the policy's window that have not cost a level yet."""
        since = now - settings.failure_window
        return self.failures_since(max(since, self.demoted_at or since))

    @property
    def milder_level(self) -> HITLLevel:
        """The level that more successes earn."""
        return _step(self.current_level, -1)

    def stricter_level(self, settings: Autonomy) -> HITLLevel:
        """The level after too many failures: all that was earned is lost, or else one step."""
        return max(settings.start, _step(self.current_level, +1))

    def _after_success(self, settings: Autonomy) -> AutonomyProfile:
        if self.successes_to_rise(settings) > 1:
            return self.model_copy(update={"consecutive_successes": self.consecutive_successes + 1})
        return self.model_copy(update={"consecutive_successes": 0, "current_level": self.milder_level})

    def _after_failure(self, now: datetime, settings: Autonomy) -> AutonomyProfile:
        # Failures before this window are kept, too, because the matrix has a window of its own.
        recent = (*self.recent_failures, now)[-MAX_FAILURES:]
        failed = self.model_copy(update={"consecutive_successes": 0, "recent_failures": recent})
        if failed.failures_that_count(now, settings) < settings.demote_after_failures:
            return failed
        return failed.model_copy(update={"current_level": self.stricter_level(settings), "demoted_at": now})


def start_profile(agent_id: str, action_type: str, policy: Policy) -> AutonomyProfile:
    """What an agent has before its first outcome."""
    return AutonomyProfile(agent_id=agent_id, action_type=action_type, current_level=policy.autonomy.start)


def _step(level: HITLLevel, by: int) -> HITLLevel:
    levels = list(HITLLevel)
    return levels[min(max(level.rank + by, 0), len(levels) - 1)]
