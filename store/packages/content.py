"""The content of events: what agents and people wrote.

An event holds the salted digest of its content. Content that does not match the digest is withheld, as if it had been
emptied: someone with write access to the database can remove content, but cannot replace it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

import structlog
from pydantic_core import from_json, to_json
from sqlalchemy import Connection, bindparam, insert, or_, select

from rules.record.chain import content_digest
from rules.state.transition import Words
from store.engine.batch import Batch
from store.engine.statements import fetch_all
from store.engine.verified_content import VerifiedContent
from store.packages.events import load_content_digests
from store.schema.tables import Content, core

log = structlog.get_logger()

CONTENT = core(Content)
VERIFIED = VerifiedContent()

_ADD = insert(CONTENT)
_READ = select(CONTENT.c.event_id, CONTENT.c.salt, CONTENT.c.words).where(CONTENT.c.tenant_id == bindparam("tenant"))
# A list is compiled at each execution. Documents are frequent and need two events at most, so those are fixed.
_READ_TWO = _READ.where(or_(CONTENT.c.event_id == bindparam("one"), CONTENT.c.event_id == bindparam("other")))
_READ_MANY = _READ.where(CONTENT.c.event_id.in_(bindparam("events", expanding=True)))


class NewContent(NamedTuple):
    """The content of one event, ready to be written."""

    tenant_id: str
    event_id: str
    package_id: str
    salt: str
    words: Words
    created_at: datetime


def save_content(batch: Batch, contents: list[NewContent]) -> None:
    if contents:
        rows = [item._asdict() | {"words": to_json(item.words).decode()} for item in contents]
        batch.execute(_ADD, rows)
        for row in rows:
            VERIFIED.add(row["event_id"], row["salt"], row["words"])


def load_words(connection: Connection, tenant_id: str, *event_ids: str) -> dict[str, Words]:
    """The content of these events, without content that was emptied or altered."""
    match event_ids:
        case ():
            return {}
        case (one,) | (one, _):
            rows_found = fetch_all(connection, _READ_TWO, {"tenant": tenant_id, "one": one, "other": event_ids[-1]})
        case _:
            rows_found = list(connection.execute(_READ_MANY, {"tenant": tenant_id, "events": list(event_ids)}))
    contents = [row for row in rows_found if row.words is not None]
    altered = _altered_events(connection, tenant_id, contents)
    return {row.event_id: from_json(row.words) for row in contents if row.event_id not in altered}


def _altered_events(connection: Connection, tenant_id: str, contents: list[Any]) -> set[str]:
    """Ids of events whose content does not match the digest. Each text is checked once in a process."""
    unknown = [row for row in contents if not VERIFIED.knows(row.event_id, row.salt, row.words)]
    if not unknown:
        return set()
    digests = load_content_digests(connection, tenant_id, [row.event_id for row in unknown])
    altered = {row.event_id for row in unknown if not _is_genuine(row, digests.get(row.event_id))}
    for row in unknown:
        if row.event_id in altered:
            log.error("content.altered", event_id=row.event_id)
        else:
            VERIFIED.add(row.event_id, row.salt, row.words)
    return altered


def _is_genuine(row: Any, digest: str | None) -> bool:
    try:
        return digest is not None and content_digest(from_json(row.words), row.salt) == digest
    except (AttributeError, TypeError, ValueError):  # someone has replaced the JSON or the salt by something invalid
        return False
