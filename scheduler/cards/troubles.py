"""Begin and end of a trouble with Slack: stored for all replicas and for the admins, and logged once."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta

import structlog

from store.engine.workers import UnavailableError
from store.outbox import troubles
from store.store import Store

log = structlog.get_logger()

GONE_FOR = timedelta(seconds=30)  # before the app is tried again after Slack refused it


async def begin_trouble(store: Store, place: str, error: str, now: datetime | None = None) -> None:
    """`place` is the app or its Socket Mode connection. No replica tries it for a while."""
    tenant_id, at = store.installation.tenant_id, now or datetime.now(UTC)
    is_news = await store.write(
        lambda connection: troubles.record_trouble(
            connection, tenant_id, place, error=error, now=at, closed_until=at + GONE_FOR
        )
    )
    if is_news:
        log.error("slack.refuses", what=place, error=error)


async def end_trouble(store: Store, place: str) -> None:
    tenant_id, now = store.installation.tenant_id, datetime.now(UTC)
    if await store.read(lambda connection: troubles.trouble_at(connection, tenant_id, place, now)):
        await store.write(lambda connection: troubles.end_troubles(connection, tenant_id, place, now=now))
        log.info("slack.works_again", what=place)


async def update_trouble(store: Store, place: str, error: str | None) -> None:
    """Begins or ends the trouble. If the database is unavailable, the next check repeats this."""
    with suppress(UnavailableError):
        await (begin_trouble(store, place, error) if error else end_trouble(store, place))
