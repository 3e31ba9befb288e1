from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, Engine, Integer, bindparam, column, event, select, table, text
from sqlalchemy.engine.interfaces import CacheStats, DBAPICursor, ExecutionContext

from store.engine.address import parse_database_url
from store.engine.engines import make_engine

NUMBERS = table("numbers", column("shared_by_engines", Integer))
QUERY = select(NUMBERS.c.shared_by_engines).where(NUMBERS.c.shared_by_engines > bindparam("least"))


@pytest.fixture
def engines(empty_database_url: str) -> Iterator[list[Engine]]:
    pair = [make_engine(parse_database_url(empty_database_url)) for _ in range(2)]
    with pair[0].begin() as connection:
        connection.execute(text("CREATE TABLE numbers (shared_by_engines INTEGER)"))
        connection.execute(text("INSERT INTO numbers VALUES (1), (2), (3)"))
    yield pair
    for engine in pair:
        engine.dispose()


def select_numbers(engine: Engine, least: int) -> list[int]:
    with engine.connect() as connection:
        return list(connection.execute(QUERY, {"least": least}).scalars())


def test_a_statement_compiled_by_one_engine_is_not_compiled_again_by_another(engines: list[Engine]) -> None:
    first, second = engines
    seen: list[CacheStats] = []

    @event.listens_for(second, "after_cursor_execute")
    def note(_: Connection, __: DBAPICursor, ___: str, ____: object, context: ExecutionContext, _____: bool) -> None:
        seen.append(context.cache_hit)  # type: ignore[attr-defined]

    assert select_numbers(first, 1) == [2, 3]
    assert select_numbers(second, 2) == [3]
    assert seen == [CacheStats.CACHE_HIT]
