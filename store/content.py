"""Words: what agents and people wrote, beside the events that brought them."""

from __future__ import annotations

from typing import Any, NamedTuple

from pydantic_core import from_json, to_json
from sqlalchemy import Connection, bindparam, insert, or_, select

from rules.transition import Words
from store.batch import Batch
from store.spelled import rows
from store.tables import Content, core

CONTENT = core(Content)

_ADD = insert(CONTENT)
_READ = select(CONTENT.c.event_id, CONTENT.c.words).where(CONTENT.c.tenant_id == bindparam("tenant"))
# A list of any length is compiled anew each time it is sent; a document asks for two at most, and often.
_READ_TWO = _READ.where(or_(CONTENT.c.event_id == bindparam("one"), CONTENT.c.event_id == bindparam("other")))
_READ_MANY = _READ.where(CONTENT.c.event_id.in_(bindparam("events", expanding=True)))


class Kept(NamedTuple):
    """The words of one event, ready to be written."""

    tenant_id: str
    event_id: str
    package_id: str
    salt: str
    words: Words
    created_at: Any


def keep(batch: Batch, kept: list[Kept]) -> None:
    if kept:
        batch.execute(_ADD, [each._asdict() | {"words": to_json(each.words).decode()} for each in kept])


def words_of(connection: Connection, tenant_id: str, *event_ids: str) -> dict[str, Words]:
    """The words of these events, as far as retention has left them."""
    match event_ids:
        case ():
            return {}
        case (one,) | (one, _):
            found = rows(connection, _READ_TWO, {"tenant": tenant_id, "one": one, "other": event_ids[-1]})
        case _:
            found = list(connection.execute(_READ_MANY, {"tenant": tenant_id, "events": list(event_ids)}))
    return {row.event_id: from_json(row.words) for row in found if row.words is not None}
