"""Replay a policy on as many packages as a busy quarter leaves.

The service itself takes one day's packages, with its clock moved on. Later days are copies of that day, far enough
apart that no window of the policy reaches from one to the next, so each copy is what the service would have recorded.
"""

from __future__ import annotations

import asyncio
import random
import re
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from typing import Any, NamedTuple

from sqlalchemy import Connection, Table, delete, insert, select
from sqlalchemy.engine import make_url

from bench.pending import vacuum
from bench.world import POLICY, SHOWN, World, body, fresh_database, log_to_stderr, now, world
from rules.package.model import DecisionPackage, action_digest
from rules.people.directory import Actor, ActorKind
from rules.policy.parse import read_policy
from rules.state.agent_commands import ClaimExecution, ReportExecution
from rules.state.commands import Approve, Reject
from rules.verbs.submission import Submit
from store.audit.policy_replay import Trial, replay_policy
from store.audit.reader import snapshot
from store.engine.engines import make_engine
from store.installation.installation import fresh_id
from store.packages.autonomy import PROFILES
from store.packages.content import CONTENT
from store.packages.packages import PACKAGES as PACKAGE_ROWS
from store.packages.versions import VERSIONS
from store.schema.tables import EventRow, core

PACKAGES, TARGET_S = 100_000, 120
_DAYS, _SEED = 50, 20
_APART = timedelta(days=2)
_TYPES = 40
_AT_ONCE = 5_000  # rows
_EVENTS = core(EventRow)
_TABLES: tuple[Table, ...] = (_EVENTS, CONTENT, PACKAGE_ROWS, VERSIONS)
# Levels never change, so that each copied day begins like the first.
_OLD = POLICY + '[directory]\nmax_age = "1000d"\n[autonomy]\npromote_after_successes = 100000\n'
_OLD += "[matrix]\nfailures = 1000\n"
_NEW = _OLD.replace('"bench"', '"laxer"') + '[tiers.medium]\nlevel = "notify_only"\n[tiers.high]\nrole = "reviewer"\n'
_DECIDER = Actor(kind=ActorKind.PERSON, actor_id="U3")
_REJECTED, _FAILED = 0.05, 0.01
_AT_SAME_TIME = 50  # packages
_ID_OR_TIME = re.compile(r'\b((?:pkg|evt|rt|int)_[0-9a-f]{12,})|"(\d{4}-\d\d-\d\dT[0-9:.]+)Z"')


class Timing(NamedTuple):
    database: str
    packages: int
    replayed: int
    seconds: float
    memory_mb: float


class _Clock:
    def __init__(self, at: datetime) -> None:
        self.at = at

    def __call__(self) -> datetime:
        self.at += timedelta(microseconds=1)
        return self.at


async def run(urls: dict[str, str]) -> list[Timing]:
    return [await _measure(kind, fresh_database(kind, urls)) for kind in urls]


async def _measure(kind: str, url: str) -> Timing:
    end = now()
    async with world(url, _OLD) as bench_world:
        await _live_one_day(bench_world, _Clock(end - _DAYS * _APART))
        for table in _TABLES:
            rows = await bench_world.store.read(partial(_read_rows, table))
            for some in _batches(_copies(rows)):
                await bench_world.store.database.write(partial(_insert, table, some))
        # A profile has the failures of the first day alone; without profiles, all days are replayed alike.
        await bench_world.store.database.write(lambda connection: connection.execute(delete(PROFILES)))
    vacuum(url)
    return _measure_in_process(kind, url)


async def _live_one_day(bench_world: World, clock: _Clock) -> None:
    """Packages run in groups, because the database commits what comes at the same time together."""
    bench_world.store.clock = clock
    for first in range(0, PACKAGES // _DAYS, _AT_SAME_TIME):
        clock.at += timedelta(seconds=20) * _AT_SAME_TIME
        numbers = range(first, first + _AT_SAME_TIME)
        await asyncio.gather(*(_live_through(bench_world, number) for number in numbers))


async def _live_through(bench_world: World, number: int) -> None:
    chance = random.Random(_SEED + number)
    package, package_id = _package(number, chance), f"pkg_{fresh_id()}"
    ids = {"command_id": package_id, "decision_package_id": package_id}
    answer = await bench_world.store.execute_for_agent(bench_world.agent, Submit(**ids, package=package))
    if answer.refusal:
        raise RuntimeError(answer.refusal.sentence)
    if answer.document["status"] == "pending":
        kind = Reject if chance.random() < _REJECTED else Approve
        seen: dict[str, Any] = {"expected_package_version": 1, "rendering_id": SHOWN, "comment": "I looked at it."}
        await bench_world.store.execute(kind(**_command(ids, "decide"), **seen), _DECIDER)
        if kind is Reject:
            return
    claimed: dict[str, Any] = {"claim_id": "worker-1", "action_digest": action_digest(package)}
    outcome: Any = "failed" if chance.random() < _FAILED else "succeeded"
    for command in (
        ClaimExecution(**_command(ids, "claim"), **claimed),
        ReportExecution(**_command(ids, "report"), claim_id="worker-1", outcome=outcome),
    ):
        await bench_world.store.execute_for_agent(bench_world.agent, command)


def _command(ids: dict[str, str], what: str) -> dict[str, Any]:
    return ids | {"command_id": f"{what} {ids['decision_package_id']}"}


def _package(number: int, chance: random.Random) -> DecisionPackage:
    return DecisionPackage.model_validate(
        body(number)
        | {
            "action_type": f"type.{chance.randrange(_TYPES)}",
            "risk_level": chance.choice(["low", "low", "medium", "medium", "high"]),
            "confidence": chance.choice([0.7, 0.9, 0.95]),
            "known_uncertainties": ["The address may have changed."],
            "side_effect_preview": {"mails": 1},
            "consequence": "The period to answer begins.",
            "policy_basis": ["P-2026-04"],
        }
    )


def _read_rows(table: Table, connection: Connection) -> list[dict[str, Any]]:
    return [dict(row) for row in connection.execute(select(table)).mappings()]


def _copies(rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Day after day, as the service would have written them. Each value is parsed once for all days."""
    copied = [{name: _copier(value) for name, value in row.items()} for row in rows]
    for day in range(1, _DAYS):
        yield from ({name: copy(day) for name, copy in row.items()} for row in copied)


def _copier(value: Any) -> Callable[[int], Any]:
    """Gives the value of another day: other ids and times, the same texts."""
    if isinstance(value, datetime):
        return lambda day: value + day * _APART
    return partial(_copy_text, _parts(value)) if isinstance(value, str) else lambda _: value


def _parts(text: str) -> list[str | datetime | None]:
    """Texts that stay the same, times to move, and None where a day's suffix follows an id."""
    parts: list[str | datetime | None] = []
    pieces = iter(_ID_OR_TIME.split(text))
    for same in pieces:
        own_id, written = next(pieces, None), next(pieces, None)
        parts += [same, own_id, None] if own_id else [same]
        parts += [datetime.fromisoformat(written)] if written else []
    return parts


def _copy_text(parts: list[str | datetime | None], day: int) -> str:
    suffix, later = f"{day:04x}", day * _APART
    return "".join(
        part if isinstance(part, str) else f'"{(part + later).isoformat()}Z"' if part else suffix for part in parts
    )


def _batches(rows: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    while some := list(islice(rows, _AT_ONCE)):
        yield some


def _insert(table: Table, rows: list[dict[str, Any]], connection: Connection) -> None:
    connection.execute(insert(table), rows)


def _measure_in_process(kind: str, url: str) -> Timing:
    """In a process of its own, so that the memory is that of the replay alone."""
    command = [sys.executable, "-W", "ignore", "-m", "bench.replay", url]
    words = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.split()
    return Timing(kind, int(words[0]), int(words[1]), float(words[2]), float(words[3]))


def _replay(url: str) -> Iterator[float]:
    engine, start, end = make_engine(make_url(url)), time.perf_counter(), now()
    with snapshot(engine) as connection:
        trial = Trial(read_policy(_NEW), end - 2 * _DAYS * _APART, end, clicks_provable=True)
        total = replay_policy(connection, trial).comparison.total
    engine.dispose()
    yield from (total.packages, total.replayed, time.perf_counter() - start)
    yield resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    log_to_stderr()
    print(*_replay(sys.argv[1]))
