"""What it takes to draw a card and a page of Details, and to check a card, beside writing the same blocks as JSON."""

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
from rules.state.commands import NewVersion, Revise
from rules.verbs.submission import Submit
from scheduler.cards.dossiers import dossier_of
from store.commands.execute import Outcome
from store.installation.installation import fresh_id
from store.store import AgentReply

ROUNDS = 1_000
ASKED = {"pending": 1_000, "Details": 2_000}  # microseconds, at most
# What a careful agent says besides: all the parts that a card usually has.
SAID: dict[str, Any] = {
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
    what: str
    ours_us: float
    json_us: float

    @property
    def ratio(self) -> float:
        return self.ours_us / self.json_us


class Dossiers(NamedTuple):
    pending: Dossier
    second: Dossier
    decided: Dossier


async def run(where: dict[str, str]) -> list[Result]:
    """In memory alone: the database only makes packages that are like real ones."""
    async with world(fresh_database("sqlite", where)) as its:
        drawn = await _dossiers(its)
    return list(_measured(drawn))


def _measured(drawn: Dossiers) -> Iterator[Result]:
    for what, dossier in zip(("pending", "version 2", "decided"), drawn, strict=True):
        yield _compared(what, partial(render, dossier), render(dossier).blocks)
    yield _compared("Details", partial(details_view, drawn.second), details_view(drawn.second)["blocks"])
    card = render(drawn.pending)
    message = {"text": card.text, "blocks": card.blocks}
    yield _compared("validating", partial(validate_message, message), card.blocks)


def _compared(what: str, ours: Callable[[], object], blocks: object) -> Result:
    """By turns, so that both meet the same machine."""
    written = partial(json.dumps, blocks)
    took = [(_seconds(ours), _seconds(written)) for _ in range(ROUNDS)]
    return Result(what, *(median(times) * 1e6 for times in zip(*took, strict=True)))


def _seconds(work: Callable[[], object]) -> float:
    begun = perf_counter()
    work()
    return perf_counter() - begun


async def _dossiers(its: World) -> Dossiers:
    """The decided one comes first: the others are about the same case, and tell of it."""
    decided = await _submitted(its, 0)
    await its.approve(decided)
    pending, second = await _submitted(its, 1), await _submitted(its, 2)
    await _changed(its, second)
    return Dossiers(*[await _dossier(its, package_id) for package_id in (pending, second, decided)])


def _package(number: int, **changes: object) -> DecisionPackage:
    return DecisionPackage.model_validate(body(number) | SAID | changes)


async def _submitted(its: World, number: int) -> str:
    package_id = f"pkg_{fresh_id()}"
    command = Submit(command_id=package_id, decision_package_id=package_id, package=_package(number))
    _taken(await its.store.execute_for_agent(its.agent, command))
    return package_id


async def _changed(its: World, package_id: str) -> None:
    """Somebody asks for a change, and the agent makes it."""
    seen = {"decision_package_id": package_id, "expected_package_version": 1}
    revise = {"command_id": fresh_id(), "instructions": "Copy the case officer, and send it by courier."}
    parameters = {"notice": 2, "to": "Entity ABC", "cc": "officer@agency.example", "channel": "courier"}
    version = {"command_id": fresh_id(), "package": _package(2, action_parameters=parameters)}
    _taken(await its.store.execute(Revise.model_validate(seen | revise), REVIEWER))
    _taken(await its.store.execute_for_agent(its.agent, NewVersion.model_validate(seen | version)))


def _taken(answer: Outcome | AgentReply) -> None:
    if answer.refusal:
        raise RuntimeError(answer.refusal.sentence)


async def _dossier(its: World, package_id: str) -> Dossier:
    found = await its.store.read(lambda connection: dossier_of(connection, its.store.installation, package_id, now()))
    if found is None:
        raise LookupError(f"package {package_id} was not found, which this bench had just submitted")
    return found
