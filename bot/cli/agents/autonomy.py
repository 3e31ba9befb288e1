"""What `agents show` says about an agent's earned autonomy: each action type's level, and what would change it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from blocks.home.autonomy import describe_fall, describe_record, describe_rise, describe_start
from bot.cli.common.text import plain
from rules.people.autonomy import AutonomyProfile
from rules.policy.model import Autonomy
from rules.record.chain import rfc3339
from rules.wording import humanize
from store.installation.tenancy import read_tenant_id
from store.packages.autonomy import list_profiles


class EarnedAutonomy(NamedTuple):
    profiles: list[AutonomyProfile]
    now: datetime
    settings: Autonomy

    def lines(self) -> Iterator[str]:
        if not self.profiles:
            yield describe_start(self.settings)
        for profile in self.profiles:
            yield f"{plain(profile.action_type)}: {humanize(profile.current_level)}"
            yield f"  so far: {describe_record(profile, self.now, self.settings)}"
            yield f"  rises: {describe_rise(profile, self.settings)}"
            yield f"  falls: {describe_fall(profile, self.now, self.settings)}"

    def document(self) -> list[dict[str, object]]:
        return [self._document(profile) for profile in self.profiles]

    def _document(self, profile: AutonomyProfile) -> dict[str, object]:
        failures = profile.failures_that_count(self.now, self.settings)
        return {
            "action_type": profile.action_type,
            "level": profile.current_level,
            "successes_in_a_row": profile.consecutive_successes,
            "failures_that_count": failures,
            "demoted_at": rfc3339(profile.demoted_at) if profile.demoted_at else None,
            "rises_to": profile.milder_level,
            "successes_to_rise": profile.successes_to_rise(self.settings),
            "falls_to": profile.stricter_level(self.settings),
            "failures_to_fall": profile.failures_to_fall(self.now, self.settings),
        }


def load_earned(connection: Connection, agent_id: str, now: datetime, settings: Autonomy) -> EarnedAutonomy:
    return EarnedAutonomy(list_profiles(connection, read_tenant_id(connection), [agent_id]), now, settings)
