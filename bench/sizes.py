"""How much a database grows with each package: handed in, shown on a card, approved; trail and words with it."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Connection, text
from sqlalchemy.engine import make_url

from bench.load import rate
from bench.world import World, fresh_database, now, world
from blocks.card.rendering import render
from scheduler.cards.dossiers import dossier_of
from store.engine.engines import make_engine

PACKAGES, AT_ONCE = 10_000, 64


class Result(NamedTuple):
    database: str
    bytes_each: float
    a_second: float


async def run(where: dict[str, str]) -> list[Result]:
    return [await _measured(kind, fresh_database(kind, where)) for kind in where]


async def _measured(kind: str, url: str) -> Result:
    async with world(url) as its:
        await rate(range(-100, 0), lambda job: _lived(its, job), AT_ONCE)
    empty = _size(url)
    async with world(url) as its:
        a_second = await rate(range(PACKAGES), lambda job: _lived(its, job), AT_ONCE)
    return Result(kind, (_size(url) - empty) / PACKAGES, a_second)


async def _lived(its: World, number: int) -> None:
    package_id = await its.submit(number)
    await _shown(its, package_id)
    await its.approve(package_id)
    await _shown(its, package_id)


async def _shown(its: World, package_id: str) -> None:
    """As delivery keeps it, before it posts."""
    dossier = await its.store.read(lambda connection: dossier_of(connection, its.store.installation, package_id, now()))
    if dossier is None:
        raise LookupError(f"package {package_id} was not found, which this bench had just submitted")
    drawn = render(dossier)
    await its.store.save_rendering(package_id, drawn.rendering_id, drawn.body)


def _size(url: str) -> int:
    """Nobody is connected: SQLite has put its log into the file."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return Path(parsed.database or "").stat().st_size
    engine = make_engine(parsed)
    with engine.connect() as connection:
        size = _taken(connection)
    engine.dispose()
    return size


def _taken(connection: Connection) -> int:
    return int(connection.execute(text("SELECT pg_database_size(current_database())")).scalar_one())
