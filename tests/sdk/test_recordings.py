"""The recorded documents of `countersign.testing` equal those of the service.

COUNTERSIGN_RECORD=1 in the environment records them again; nothing else writes them.
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


def scene_of_decision(verb: Verb, content: Any = ASKED, **values: Any) -> Scene:
    async def scene(office: Office) -> Response:
        package, card = await office.submit_with_card(content)
        await office.give(SENTA, card, verb, values)
        return await office.read(package)

    return scene


async def pending_package(office: Office) -> Response:
    return await office.submit(ASKED)


async def approved_package(office: Office) -> Response:
    package, card = await office.submit_with_card(ASKED)
    await office.approve(SENTA, card)
    return await office.read(package)


async def consented_package(office: Office) -> Response:
    package, _ = await office.submit_with_card(SOFT)
    await office.passes(timedelta(minutes=5))
    return await office.read(package)


async def package_settled_by_policy(office: Office) -> Response:
    return await office.submit(SOFT | {"risk_level": "low"})


async def expired_package(office: Office) -> Response:
    package = await office.submit(ASKED | {"expires_at": (office.clock() + HOUR).isoformat()})
    await office.passes(2 * HOUR)
    return await office.read(package)


async def cancelled_package(office: Office) -> Response:
    return await office.cancel(await office.submit(ASKED))


async def revoked_package(office: Office) -> Response:
    package = await approved_package(office)
    await office.give(SENTA, await office.card(package), Verb.REVOKE, {"comment": "Wrong customer."})
    return await office.read(package)


async def handed_back_package(office: Office) -> Response:
    package = await SCENES["taken_over"](office)
    await office.give(SENTA, await office.card(package), Verb.HAND_BACK, {"comment": "Done."})
    assert await office.events(package, HANDED_BACK)
    return await office.read(package)


async def lapsed_package(office: Office) -> Response:
    package = await approved_package(office)
    await office.passes(3 * DAY)
    return await office.read(package)


async def claimed_package(office: Office) -> Response:
    return await office.claim(await approved_package(office))


async def unknown_package(office: Office) -> Response:
    package = await claimed_package(office)
    await office.passes(2 * HOUR)
    return await office.read(package)


def scene_of_report(state: str) -> Scene:
    async def scene(office: Office) -> Response:
        return await office.report(await claimed_package(office), state)

    return scene


def scene_of_override(how: str) -> Scene:
    words = {"override_decision": how, "override_reason": "I know the case.", "evidence_refs": "ticket 7"}
    return scene_of_decision(Verb.OVERRIDE, **words)


SCENES: dict[str, Scene] = {
    "pending": pending_package,
    "settled_by_policy": package_settled_by_policy,
    "approved": approved_package,
    "consented": consented_package,
    "rejected": scene_of_decision(Verb.REJECT, comment="Not this one."),
    "revision_requested": scene_of_decision(Verb.REVISE, instructions="Another one."),
    "evidence_requested": scene_of_decision(Verb.REQUEST_MORE_EVIDENCE, instructions="Show the order."),
    "deferred": scene_of_decision(Verb.DEFER, until=1795186800, comment="After lunch."),
    "overridden_proceed": scene_of_override("proceed"),
    "overridden_stop": scene_of_override("stop"),
    "overridden_other": scene_of_override("other"),
    "taken_over": scene_of_decision(Verb.TAKE_OVER, ASKED | {"thread_id": "thr_1"}, comment="I do it."),
    "handed_back": handed_back_package,
    "answered": scene_of_decision(Verb.ANSWER, QUESTION, answer="The blue one."),
    "expired": expired_package,
    "cancelled": cancelled_package,
    "revoked": revoked_package,
    "lapsed": lapsed_package,
    "claimed": claimed_package,
    "unknown": unknown_package,
    "succeeded": scene_of_report("succeeded"),
    "failed": scene_of_report("failed"),
    "rolled_back": scene_of_report("rolled_back"),
}


async def already_claimed(office: Office) -> Response:
    return await office.claim(await claimed_package(office), "another")


async def digest_mismatch(office: Office) -> Response:
    return await office.claim(await approved_package(office), digest="sha256:" + "0" * 64)


async def may_not_proceed(office: Office) -> Response:
    return await office.claim(await office.submit(ASKED))


async def approval_lapsed(office: Office) -> Response:
    return await office.claim(await lapsed_package(office))


async def not_claimed(office: Office) -> Response:
    return await office.report(await approved_package(office))


async def already_reported(office: Office) -> Response:
    package = await office.report(await claimed_package(office), "rolled_back")
    return await office.report(package, "succeeded")


async def already_decided(office: Office) -> Response:
    return await office.cancel(await approved_package(office))


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


def normalize(document: dict[str, Any]) -> dict[str, Any]:
    """The document with fixed values for everything that differs in each run."""
    text = json.dumps(document)
    interrupt = document["interrupt"] or {}
    stable = {
        document["decision_package_id"]: "pkg_0",
        document["tenant_id"]: "T0",
        interrupt.get("interrupt_id"): "int_0",
    }
    for varying, replacement in stable.items():
        text = text.replace(varying, replacement) if varying else text
    normalized: dict[str, Any] = json.loads(text)
    decision = normalized["decision"] or {}
    decision |= {name: replacement for name, replacement in _VARYING.items() if decision.get(name)}
    return normalized


def compare_with_recording(name: str, document: dict[str, Any]) -> None:
    file = RECORDED / f"{name}.json"
    if os.environ.get("COUNTERSIGN_RECORD"):
        file.write_text(json.dumps(document, indent=2) + "\n", "utf-8")
    assert json.loads(file.read_text("utf-8")) == document, file


@pytest.mark.parametrize("name", SCENES)
async def test_a_recorded_document_equals_the_services(office: Office, name: str) -> None:
    compare_with_recording(name, normalize((await SCENES[name](office)).body))


@pytest.mark.parametrize("name", PROBLEMS)
async def test_a_recorded_problem_equals_the_services(office: Office, name: str) -> None:
    package = await PROBLEMS[name](office)
    assert package.kind == name
    compare_with_recording(f"problem_{name}", json.loads(re.sub(r"pkg_\w+", "pkg_0", package.text)))


def test_each_recording_is_compared_with_the_service() -> None:
    names = {file.stem for file in RECORDED.glob("*.json")}
    assert names == {*SCENES, *(f"problem_{name}" for name in PROBLEMS)}
