"""Every decision of a person, for their history and for the review statistics."""

from __future__ import annotations

from sqlalchemy import insert

from rules.state.events import EventType
from rules.state.transition import Occurrence
from store.engine.batch import Batch
from store.schema.tables import VoteRow, core

_ADD = insert(core(VoteRow))


def write_votes(batch: Batch, occurrences: tuple[Occurrence, ...]) -> None:
    rows = [
        _row(occurrence) for occurrence in occurrences if occurrence.event_type == EventType.HUMAN_DECISION_RECORDED
    ]
    if rows:
        batch.execute(_ADD, rows)


def _row(occurrence: Occurrence) -> dict[str, object]:
    after = occurrence.after
    return {
        "tenant_id": after.tenant_id,
        "event_id": occurrence.event_id,
        "package_id": after.decision_package_id,
        "reviewer_id": occurrence.actor.actor_id,
        "decision": occurrence.decision.value if occurrence.decision else "",
        "version": after.version,
        "rung": after.task.rung,
        "rendering_id": occurrence.rendering_id,
        "latency_ms": occurrence.latency_ms or 0,
        "at": after.updated_at,
    }
