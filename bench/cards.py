"""The time to render a card and Details and to validate a card, compared with json.dumps of the same blocks."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from statistics import median
from time import perf_counter
from typing import Any, NamedTuple

from bench.world import REVIEWER, World, body, fresh_database, now, world
from blocks.card.rendering import render
from blocks.details.details import details_view
from blocks.words.dossier import Dossier
from playground.blockkit.validate import validate_message
from rules.package.model import DecisionPackage
from rules.state.agent_commands import NewVersion
from rules.state.commands import Revise
from rules.verbs.submission import Submit
from scheduler.cards.dossiers import dossier_of
from store.commands.execute import Outcome
from store.installation.installation import fresh_id
from store.replies import AgentReply

ROUNDS = 1_000
TARGET = {"pending": 1_000, "Details": 2_000}  # microseconds, at most
# Optional fields that a careful agent fills in, so that the card has all its usual parts.
OPTIONAL_FIELDS: dict[str, Any] = {
    "subject_type": "case",
    "subject_id": "ABC-17",
    "evidence_refs": [
        {
            "id": "doc_1",
            "title": "Second reminder, unanswered",
            "url": "https://files.example.org/cases/17/reminder-2.pdf",
            "excerpt": "Please file within 30 days of this letter.",
        },
        {"id": "doc_7", "title": "Register of filings, November"},
    ],
    "known_uncertainties": ["The inspection record for May is missing."],
    "alternatives": ["Send a third reminder."],
    "policy_basis": ["P-2026-04 §3: notice after two violations"],
    "side_effect_preview": {"letters_sent": 1, "case_status": "NOTIFIED"},
    "consequence": "A legal notice goes out, and the case moves to NOTIFIED.",
    "downstream_impact": "Entity ABC has 14 days to appeal.",
    "rollback_plan": "Send a letter of withdrawal within a day.",
    "cost": {"amount": 12.5, "currency": "EUR"},
}


class Result(NamedTuple):
    piece: str
    ours_us: float
    json_us: float

    @property
    def ratio(self) -> float:
        return self.ours_us / self.json_us


class Dossiers(NamedTuple):
    pending: Dossier
    second: Dossier
    decided: Dossier


async def run(urls: dict[str, str]) -> list[Result]:
    """Measures in memory alone. The database only serves to make realistic packages."""
    async with world(fresh_database("sqlite", urls)) as bench_world:
        dossiers = await _make_dossiers(bench_world)
    return list(_measure(dossiers))


def _measure(dossiers: Dossiers) -> Iterator[Result]:
    for piece, dossier in zip(("pending", "version 2", "decided"), dossiers, strict=True):
        yield _compare(piece, partial(render, dossier), render(dossier).blocks)
    yield _compare("Details", partial(details_view, dossiers.second), details_view(dossiers.second)["blocks"])
    card = render(dossiers.pending)
    message = {"text": card.text, "blocks": card.blocks}
    yield _compare("validating", partial(validate_message, message), card.blocks)


def _compare(piece: str, ours: Callable[[], object], blocks: object) -> Result:
    """The medians of both. They take turns, so that a slow moment of the machine affects both alike."""
    baseline = partial(json.dumps, blocks)
    times = [(_seconds(ours), _seconds(baseline)) for _ in range(ROUNDS)]
    return Result(piece, *(median(times) * 1e6 for times in zip(*times, strict=True)))


def _seconds(work: Callable[[], object]) -> float:
    start = perf_counter()
    work()
    return perf_counter() - start


async def _make_dossiers(bench_world: World) -> Dossiers:
    """The decided package is made first, because the others are about the same case and their cards mention it."""
    decided = await _submit(bench_world, 0)
    await bench_world.approve(decided)
    pending, second = await _submit(bench_world, 1), await _submit(bench_world, 2)
    await _revise(bench_world, second)
    return Dossiers(*[await _dossier(bench_world, package_id) for package_id in (pending, second, decided)])


def _package(number: int, **changes: object) -> DecisionPackage:
    return DecisionPackage.model_validate(body(number) | OPTIONAL_FIELDS | changes)


async def _submit(bench_world: World, number: int) -> str:
    package_id = f"pkg_{fresh_id()}"
    command = Submit(command_id=package_id, decision_package_id=package_id, package=_package(number))
    _require_accepted(await bench_world.store.execute_for_agent(bench_world.agent, command))
    return package_id


async def _revise(bench_world: World, package_id: str) -> None:
    """A reviewer asks for changes, and the agent submits a new version."""
    seen = {"decision_package_id": package_id, "expected_package_version": 1}
    revise = {"command_id": fresh_id(), "instructions": "Copy the case officer, and send it by courier."}
    parameters = {"notice": 2, "to": "Entity ABC", "cc": "officer@agency.example", "channel": "courier"}
    version = {"command_id": fresh_id(), "package": _package(2, action_parameters=parameters)}
    _require_accepted(await bench_world.store.execute(Revise.model_validate(seen | revise), REVIEWER))
    _require_accepted(
        await bench_world.store.execute_for_agent(bench_world.agent, NewVersion.model_validate(seen | version))
    )


def _require_accepted(answer: Outcome | AgentReply) -> None:
    if answer.refusal:
        raise RuntimeError(answer.refusal.sentence)


async def _dossier(bench_world: World, package_id: str) -> Dossier:
    dossier = await bench_world.store.read(
        lambda connection: dossier_of(connection, bench_world.store.installation, package_id, now(), None)
    )
    if dossier is None:
        raise LookupError(f"package {package_id} was not found, which this bench had just submitted")
    return dossier
