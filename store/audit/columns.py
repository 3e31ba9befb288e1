"""Compares the columns of rows, by which packages, threads and events are found, with what the rows themselves say.

Queries trust these columns, so a changed one could hide a package without touching its record. Every disagreement is a
fault of the trail, which `countersign audit verify` reports.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Row

from rules.package.takeover_reach import followed_name
from rules.record.evidence import Claim, Fault, Trail
from rules.state.model import PackageState
from rules.threads.model import is_thread
from store.audit.tolerant_rows import chain_length, parse_or_text
from store.packages.packages import stop_columns


def new_trail(package_id: str, row: Row[Any] | None) -> Trail:
    """The trail of a row, with the faults of its columns."""
    if row is None:
        return Trail(package_id)
    state = parse_or_text(row.state)
    known = state if isinstance(state, dict) else {}
    values = {"sampled": False} | known
    wrong = [
        name
        for name in (_THREAD_INDEXED if is_thread(package_id) else _INDEXED)
        if getattr(row, name) != values.get(name)
    ]
    if is_thread(package_id) and parse_or_text(row.lineage or "null") != known.get("lineage"):
        wrong.append("lineage")
    wrong += [name for name, moment in _times_of(package_id, known).items() if getattr(row, name) != moment]
    if not (wrong or is_thread(package_id)):
        wrong = _wrong_stop_columns(row)
    length = chain_length(row.revision)
    faults = _faults(package_id, length, None, "the columns of its row and its state disagree", wrong)
    return Trail(package_id, claim=Claim(length, row.head, known), noticed=faults)


def _wrong_stop_columns(row: Row[Any]) -> list[str]:
    """The wrong ones of the columns that `_INDEXED` leaves out, which are computed from the state.

    A `stop_name` may stay after the package has ended, because an older release did not clear it.
    """
    try:
        state = PackageState.model_validate_json(row.state)
    except ValidationError:
        return []  # another check says so
    expected = stop_columns(state) | {"judge": state.open_look.judge if state.open_look else None}
    wrong = [name for name, value in expected.items() if getattr(row, name) != value]
    is_left = expected["stop_name"] is None and row.stop_name == followed_name(state)
    return [name for name in wrong if not (name == "stop_name" and is_left)]


def _times_of(chain_id: str, state: dict[str, Any]) -> dict[str, datetime | None]:
    """The times in the state that are also columns of its row."""
    if is_thread(chain_id):
        return {"updated_at": _parse_time(state.get("updated_at"))}
    decision = state.get("decision")
    values = state | {"decided_at": decision.get("decided_at") if isinstance(decision, dict) else None}
    return {name: _parse_time(values.get(name)) for name in ("created_at", "updated_at", "decided_at")}


# Columns by which packages and events are searched, so they must agree with the record.
_INDEXED = (
    "agent_id", "revision", "version", "status", "level", "risk", "action_type", "subject_digest", "thread_id",
    "sampled", "verdict",
)  # fmt: skip
_THREAD_INDEXED = ("thread_key", "thread_id", "owner_agent", "revision", "status")
_EVENT_INDEXED = ("event_id", "event_type", "action_type", "actor")


def parse_event_row(row: Row[Any], package_id: str, revision: int) -> tuple[Any, list[Fault]]:
    """The event of a row, and the faults of the row's other columns."""
    event = parse_or_text(row.body)
    if not isinstance(event, dict):
        return row.body, []
    columns = row._mapping  # noqa: SLF001 - SQLAlchemy's public way to ask a row for a column it may lack
    wrong = [name for name in _EVENT_INDEXED if name in columns and columns[name] != event.get(name)]
    wrong += [] if revision == event.get("revision") else ["revision"]
    wrong += [] if _parse_time(event.get("occurred_at")) == row.occurred_at else ["occurred_at"]
    event_id = columns.get("event_id", event.get("event_id"))
    return event, _faults(package_id, revision, event_id, "the columns of its row and the event disagree", wrong)


def _faults(package_id: str, revision: int, event_id: str | None, subject: str, wrong: list[str]) -> list[Fault]:
    return [Fault(package_id, revision, event_id, f"{subject}: {', '.join(wrong)}")] if wrong else []


def _parse_time(text: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
