"""Every decision that a person gave, for their own history and for the measures of review quality."""

from __future__ import annotations

from sqlalchemy import insert

from rules.state.events import EventType
from rules.state.transition import Occurrence
from store.engine.batch import Batch
from store.schema.tables import VoteRow, core

_ADD = insert(core(VoteRow))


def write_votes(batch: Batch, occurrences: tuple[Occurrence, ...]) -> None:
    rows = [_row(happened) for happened in occurrences if happened.event_type == EventType.HUMAN_DECISION_RECORDED]
    if rows:
        batch.execute(_ADD, rows)


def _row(happened: Occurrence) -> dict[str, object]:
    after = happened.after
    return {
        "tenant_id": after.tenant_id,
        "event_id": happened.event_id,
        "package_id": after.decision_package_id,
        "reviewer_id": happened.actor.actor_id,
        "decision": happened.decision.value if happened.decision else "",
        "version": after.version,
        "rung": after.task.rung,
        "rendering_id": happened.rendering_id,
        "latency_ms": happened.latency_ms or 0,
        "at": after.updated_at,
    }
