"""The documents that `countersign.testing` answers with are what the service answers: recorded from it, and held against it.

They are written anew with COUNTERSIGN_RECORD=1 in the environment, and by nothing else.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import countersign
from countersign.package import HANDED_BACK
from rules.state.commands import Verb
from tests.bot.service import Response
from tests.bot.slack.office import HARD, SENTA, SOFT, Office
from tests.rules.world import DAY, HOUR

RECORDED = Path(countersign.__file__).parent / "recorded"
ASKED = HARD | {"recommendation": "proceed"}
QUESTION = {name: value for name, value in HARD.items() if name != "action_parameters"} | {"kind": "question"}

Scene = Callable[[Office], Awaitable[Response]]


def decided(verb: Verb, package: Any = ASKED, **values: Any) -> Scene:
    async def scene(office: Office) -> Response:
        told, card = await office.asked(package)
        await office.give(SENTA, card, verb, values)
        return await office.read(told)

    return scene


async def pending(office: Office) -> Response:
    return await office.submit(ASKED)


async def approved(office: Office) -> Response:
    told, card = await office.asked(ASKED)
    await office.approve(SENTA, card)
    return await office.read(told)


async def consented(office: Office) -> Response:
    told, _ = await office.asked(SOFT)
    await office.passes(timedelta(minutes=5))
    return await office.read(told)


async def settled_by_policy(office: Office) -> Response:
    return await office.submit(SOFT | {"risk_level": "low"})


async def expired(office: Office) -> Response:
    told = await office.submit(ASKED | {"expires_at": (office.clock() + HOUR).isoformat()})
    await office.passes(2 * HOUR)
    return await office.read(told)


async def withdrawn(office: Office) -> Response:
    return await office.cancel(await office.submit(ASKED))


async def revoked(office: Office) -> Response:
    told = await approved(office)
    await office.give(SENTA, await office.card(told), Verb.REVOKE, {"comment": "Wrong customer."})
    return await office.read(told)


async def handed_back(office: Office) -> Response:
    told = await SCENES["taken_over"](office)
    await office.give(SENTA, await office.card(told), Verb.HAND_BACK, {"comment": "Done."})
    assert await office.events(told, HANDED_BACK)
    return await office.read(told)


async def lapsed(office: Office) -> Response:
    told = await approved(office)
    await office.passes(3 * DAY)
    return await office.read(told)


async def claimed(office: Office) -> Response:
    return await office.claim(await approved(office))


async def unknown(office: Office) -> Response:
    told = await claimed(office)
    await office.passes(2 * HOUR)
    return await office.read(told)


def reported(state: str) -> Scene:
    async def scene(office: Office) -> Response:
        return await office.report(await claimed(office), state)

    return scene


def overridden(how: str) -> Scene:
    words = {"override_decision": how, "override_reason": "I know the case.", "evidence_refs": "ticket 7"}
    return decided(Verb.OVERRIDE, **words)


SCENES: dict[str, Scene] = {
    "pending": pending,
    "settled_by_policy": settled_by_policy,
    "approved": approved,
    "consented": consented,
    "rejected": decided(Verb.REJECT, comment="Not this one."),
    "revision_requested": decided(Verb.REVISE, instructions="Another one."),
    "evidence_requested": decided(Verb.REQUEST_MORE_EVIDENCE, instructions="Show the order."),
    "deferred": decided(Verb.DEFER, until=1795186800, comment="After lunch."),
    "overridden_proceed": overridden("proceed"),
    "overridden_stop": overridden("stop"),
    "overridden_other": overridden("other"),
    "taken_over": decided(Verb.TAKE_OVER, ASKED | {"thread_id": "thr_1"}, comment="I do it."),
    "handed_back": handed_back,
    "answered": decided(Verb.ANSWER, QUESTION, answer="The blue one."),
    "expired": expired,
    "cancelled": withdrawn,
    "revoked": revoked,
    "lapsed": lapsed,
    "claimed": claimed,
    "unknown": unknown,
    "succeeded": reported("succeeded"),
    "failed": reported("failed"),
    "rolled_back": reported("rolled_back"),
}


async def already_claimed(office: Office) -> Response:
    return await office.claim(await claimed(office), "another")


async def digest_mismatch(office: Office) -> Response:
    return await office.claim(await approved(office), digest="sha256:" + "0" * 64)


async def may_not_proceed(office: Office) -> Response:
    return await office.claim(await office.submit(ASKED))


async def approval_lapsed(office: Office) -> Response:
    return await office.claim(await lapsed(office))


async def not_claimed(office: Office) -> Response:
    return await office.report(await approved(office))


async def already_reported(office: Office) -> Response:
    told = await office.report(await claimed(office), "rolled_back")
    return await office.report(told, "succeeded")


async def already_decided(office: Office) -> Response:
    return await office.cancel(await approved(office))


async def stale_version(office: Office) -> Response:
    return await office.version(await office.submit(ASKED), expected=7)


async def idempotency_conflict(office: Office) -> Response:
    await office.submit(ASKED, "key-1")
    return await office.submit(ASKED | {"title": "Something else"}, "key-1")


async def not_found(office: Office) -> Response:
    return await office.get("/v1/packages/pkg_0")


async def invalid(office: Office) -> Response:
    return await office.submit({})


PROBLEMS: dict[str, Scene] = {
    "already-claimed": already_claimed,
    "digest-mismatch": digest_mismatch,
    "may-not-proceed": may_not_proceed,
    "approval-lapsed": approval_lapsed,
    "not-claimed": not_claimed,
    "already-reported": already_reported,
    "already-decided": already_decided,
    "stale-version": stale_version,
    "idempotency-conflict": idempotency_conflict,
    "not-found": not_found,
    "invalid": invalid,
}


_VARYING = {"rendering_id": "rnd_0", "policy_version": "test-1"}


def plain(document: dict[str, Any]) -> dict[str, Any]:
    """Without what is another each time."""
    text = json.dumps(document)
    interrupt = document["interrupt"] or {}
    stable = {
        document["decision_package_id"]: "pkg_0",
        document["tenant_id"]: "T0",
        interrupt.get("interrupt_id"): "int_0",
    }
    for found, instead in stable.items():
        text = text.replace(found, instead) if found else text
    again: dict[str, Any] = json.loads(text)
    decision = again["decision"] or {}
    decision |= {name: instead for name, instead in _VARYING.items() if decision.get(name)}
    return again


def held_against(name: str, document: dict[str, Any]) -> None:
    file = RECORDED / f"{name}.json"
    if os.environ.get("COUNTERSIGN_RECORD"):
        file.write_text(json.dumps(document, indent=2) + "\n", "utf-8")
    assert json.loads(file.read_text("utf-8")) == document, file


@pytest.mark.parametrize("name", SCENES)
async def test_a_recorded_document_is_the_services(office: Office, name: str) -> None:
    held_against(name, plain((await SCENES[name](office)).body))


@pytest.mark.parametrize("name", PROBLEMS)
async def test_a_recorded_problem_is_the_services(office: Office, name: str) -> None:
    told = await PROBLEMS[name](office)
    assert told.kind == name
    held_against(f"problem_{name}", json.loads(re.sub(r"pkg_\w+", "pkg_0", told.text)))


def test_each_recording_is_held_against_something() -> None:
    names = {file.stem for file in RECORDED.glob("*.json")}
    assert names == {*SCENES, *(f"problem_{name}" for name in PROBLEMS)}
