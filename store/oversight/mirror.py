"""Reads how one person has judged, for the mirror on their Home, which nobody else sees."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select

from rules.oversight.mirror import PERIOD, Mirror, OwnJudgment, reflect
from store.oversight.outcomes import JUDGMENTS
from store.packages.queue import count_open_items


def load_mirror(connection: Connection, tenant_id: str, user_id: str, now: datetime) -> Mirror:
    columns = (JUDGMENTS.c[name] for name in ("ended_at", "judgment", "facts", "decided_ms"))
    own = (JUDGMENTS.c.tenant_id == tenant_id, JUDGMENTS.c.reviewer_id == user_id)
    query = select(*columns).where(*own, JUDGMENTS.c.ended_at > now - PERIOD, JUDGMENTS.c.ended_at <= now)
    judgments = [OwnJudgment.from_row(*row) for row in connection.execute(query)]
    return reflect(judgments, count_open_items(connection, tenant_id, [user_id])[user_id], now)
