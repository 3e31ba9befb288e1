"""The measures of human control, with as many outcomes as a busy month leaves."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from statistics import median
from typing import Any, NamedTuple

from sqlalchemy import Connection, insert

from bench.pending import vacuum
from bench.world import World, fresh_database, now, world
from rules.oversight.judgments import DecisionTimes, Judgment
from rules.oversight.outcomes import Facts, Result
from rules.oversight.statistics import Grouping
from rules.scales import RiskLevel
from store.oversight.outcomes import JUDGMENTS, OUTCOMES
from store.oversight.statistics import load_statistics

PACKAGES, ROUNDS, TARGET_MS = 100_000, 5, 300
_MONTH = timedelta(days=30)
_AGENTS, _TYPES, _ROLES, _REVIEWERS = 50, 40, 6, 30
_OF_PACKAGE = ("tenant_id", "package_id", "ended_at", "facts", *DecisionTimes._fields)
_AT_ONCE = 5_000  # rows
_SEED = 20  # so that every run measures the same packages
_SOME = 0.1  # the share of packages of which each rare fact is true


class Timing(NamedTuple):
    database: str
    divided_by: str
    ms: float


async def run(urls: dict[str, str]) -> list[Timing]:
    return [result for kind in urls for result in await _measure(kind, fresh_database(kind, urls))]


async def _measure(kind: str, url: str) -> list[Timing]:
    async with world(url) as bench_world:
        until = now()
        await _fill(bench_world, until)
        vacuum(url)
        return [Timing(kind, by or "nothing", await _time(bench_world, until, by)) for by in (None, *Grouping)]


async def _fill(bench_world: World, until: datetime) -> None:
    chance, store = random.Random(_SEED), bench_world.store
    for first in range(0, PACKAGES, _AT_ONCE):
        rows = [_row(store.installation.tenant_id, until, first + place, chance) for place in range(_AT_ONCE)]
        await store.database.write(
            partial(_insert, rows, [judgment for row in rows for judgment in _judgments(row, chance)])
        )


def _insert(rows: list[dict[str, Any]], judgments: list[dict[str, Any]], connection: Connection) -> None:
    connection.execute(insert(OUTCOMES), rows)
    connection.execute(insert(JUDGMENTS), judgments)


def _row(tenant_id: str, until: datetime, number: int, chance: random.Random) -> dict[str, Any]:
    result = chance.choice(list(Result))
    waiting, seen, reading = (chance.randrange(10_000_000) for _ in range(3))
    times = (waiting + seen + reading, waiting, seen, reading) if result.by_people else (None,) * 4
    return {
        "tenant_id": tenant_id,
        "package_id": f"pkg_{number:08d}",
        "ended_at": until - _MONTH * (1 - number / PACKAGES),
        "agent_id": f"agt_{chance.randrange(_AGENTS)}",
        "action_type": f"type.{chance.randrange(_TYPES)}",
        "role": f"role_{chance.randrange(_ROLES)}",
        "risk": chance.choice(list(RiskLevel)).value,
        "facts": _facts(result, chance).as_words(),
        **dict(zip(DecisionTimes._fields, times, strict=True)),
    }


def _judgments(row: dict[str, Any], chance: random.Random) -> Iterator[dict[str, Any]]:
    """Of what people decided: one person's, or two people's together."""
    if row["decided_ms"] is None:
        return
    several = row["risk"] == RiskLevel.CRITICAL
    for reviewer in chance.sample(range(_REVIEWERS), 1 + several):
        own = {"reviewer_id": f"U{reviewer}", "decided": True, "judgment": Judgment("", decided=True).words}
        yield {name: row[name] for name in _OF_PACKAGE} | own


def _facts(result: Result, chance: random.Random) -> Facts:
    several, allowed = chance.random() < _SOME, result is Result.APPROVED
    return Facts(
        result,
        sent_back=result.awaited_people and chance.random() < _SOME,
        escalated=result.awaited_people and chance.random() < _SOME,
        uncertain=chance.random() < _SOME,
        judged_by_several=several,
        disagreed=several and chance.random() < _SOME,
        allowed=allowed,
        incident=allowed and chance.random() < _SOME,
        sampled=not result.by_people and chance.random() < _SOME,
    )


async def _time(bench_world: World, until: datetime, by: Grouping | None) -> float:
    milliseconds = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        await bench_world.store.read(lambda connection: load_statistics(connection, until - _MONTH, until, by))
        milliseconds.append((time.perf_counter() - start) * 1000)
    return median(milliseconds)
