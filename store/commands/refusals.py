"""Refused attempts: one event per person, package, reason and minute; further ones are only counted."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, bindparam, text

from rules.people.directory import Actor
from rules.reasons import Refusal
from rules.state.model import PackageState
from store.schema.tables import RefusalRow, core

REFUSALS = core(RefusalRow)

_COUNT = text(
    "INSERT INTO refusals (tenant_id, package_id, person, reason, minute, count)"
    " VALUES (:tenant, :package, :person, :reason, :minute, 1)"
    " ON CONFLICT (tenant_id, package_id, person, reason, minute)"
    " DO UPDATE SET count = refusals.count + 1 RETURNING count"
).bindparams(bindparam("minute", type_=REFUSALS.c.minute.type))


def is_first_this_minute(
    connection: Connection, state: PackageState, person: Actor, refusal: Refusal, now: datetime
) -> bool:
    """Whether this person was not refused here for this reason within the minute: only the first is recorded."""
    row = {
        "tenant": state.tenant_id,
        "package": state.decision_package_id,
        "person": person.actor_id,
        "reason": refusal.reason.value,
        "minute": now.replace(second=0, microsecond=0),
    }
    return bool(connection.execute(_COUNT, row).scalar_one() == 1)
