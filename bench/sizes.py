"""The growth of the database for each package that is submitted, rendered and approved, with its events and texts."""

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
    bytes_per_package: float
    rate_per_second: float


async def run(urls: dict[str, str]) -> list[Result]:
    return [await _measure(kind, fresh_database(kind, urls)) for kind in urls]


async def _measure(kind: str, url: str) -> Result:
    async with world(url) as bench_world:
        await rate(range(-100, 0), lambda job: _live_through(bench_world, job), AT_ONCE)
    empty = _size(url)
    async with world(url) as bench_world:
        rate_per_second = await rate(range(PACKAGES), lambda job: _live_through(bench_world, job), AT_ONCE)
    return Result(kind, (_size(url) - empty) / PACKAGES, rate_per_second)


async def _live_through(bench_world: World, number: int) -> None:
    package_id = await bench_world.submit(number)
    await _render(bench_world, package_id)
    await bench_world.approve(package_id)
    await _render(bench_world, package_id)


async def _render(bench_world: World, package_id: str) -> None:
    """Renders the card and stores the rendering, as delivery does before it posts."""
    dossier = await bench_world.store.read(
        lambda connection: dossier_of(connection, bench_world.store.installation, package_id, now(), None)
    )
    if dossier is None:
        raise LookupError(f"package {package_id} was not found, which this bench had just submitted")
    rendering = render(dossier)
    await bench_world.store.save_rendering(package_id, rendering.rendering_id, rendering.body)


def _size(url: str) -> int:
    """The size of the database. Nothing may be connected, so that SQLite has moved its log into the file."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return Path(parsed.database or "").stat().st_size
    engine = make_engine(parsed)
    with engine.connect() as connection:
        size = _postgresql_size(connection)
    engine.dispose()
    return size


def _postgresql_size(connection: Connection) -> int:
    return int(connection.execute(text("SELECT pg_database_size(current_database())")).scalar_one())
