"""Silence over HTTP counts only while an objection could have arrived through the public address and been handled."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from playground.client.signing import signature_headers
from playground.slack import stand_in
from rules.scales import HITLLevel
from rules.state.model import Status
from tests.bot.slack import signed_requests
from tests.bot.slack.office import RITA, SECRET, SOFT, Office, beside, furnish, open_office
from tests.bot.slack.signed_requests import JSON
from tests.rules.world import MINUTE

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

HARD_NOW = (Status.PENDING, HITLLevel.HARD_APPROVAL)
STILL_SOFT = (Status.PENDING, HITLLevel.SOFT_APPROVAL)


async def stands(office: Office, proposal: Any) -> tuple[Status, HITLLevel]:
    state = await office.state(proposal)
    return state.status, state.level


async def silence(office: Office) -> str:
    return str((await office.get("/readyz")).body["posture"]["silence"])


@pytest.mark.parametrize(
    "answer", [502, 200, 404, 302], ids=["it is down", "it answers itself", "unknown", "elsewhere"]
)
async def test_without_a_working_public_address_silence_never_counts_and_the_package_becomes_hard(
    office: Office, answer: int
) -> None:
    proposal, _ = await office.submit_with_card(SOFT)
    office.address.broken = answer
    await office.passes(9 * MINUTE)
    assert await stands(office, proposal) == STILL_SOFT
    assert "does not come back in" in await silence(office)
    await office.passes(2 * MINUTE)
    assert await stands(office, proposal) == HARD_NOW
    (hardened,) = await office.events(proposal, "package.hardened")
    assert hardened["reason"] == "proof-lost"
    card = await office.card(proposal)
    assert "It could not be proven that an objection would arrive" in office.thread(card)[-1].shown


async def test_a_recorded_request_sent_again_past_a_proxy_that_is_down_proves_nothing_new(office: Office) -> None:
    proposal, _ = await office.submit_with_card(SOFT)
    office.address.broken = 502
    event = office.slack.client.payloads.event({"type": "app_home_opened", "user": RITA, "tab": "messages"})
    body = json.dumps(event).encode()
    recorded = signed_requests.sign(body, str(int(time.time() - 280)))
    for _ in range(7):
        assert (await signed_requests.send(office, body, recorded, JSON)).status == 200
        await office.passes(MINUTE)
    assert await stands(office, proposal) == STILL_SOFT


async def test_a_short_gap_only_stops_the_clock(office: Office) -> None:
    proposal, _ = await office.submit_with_card(SOFT)
    await office.passes(3 * MINUTE)
    office.address.broken = 502
    await office.passes(5 * MINUTE)
    office.address.broken = None
    await office.passes(MINUTE)
    await office.passes(MINUTE)
    assert await stands(office, proposal) == STILL_SOFT
    await office.passes(MINUTE)
    assert await office.status(proposal) is Status.CONSENTED
    assert await silence(office) == "counts"


async def proof_is_lost_once_the_silence_was_long_enough(office: Office) -> None:
    """After enough silence, but before the sweep has seen it."""
    assert office.running.service.slack is not None
    office.clock.passes(5 * MINUTE)
    await office.running.service.slack.clockwork.heart.time_skipped()
    office.address.broken = 502
    await office.passes(MINUTE)


async def test_consent_waits_if_proof_is_missing_at_that_moment(office: Office) -> None:
    proposal, _ = await office.submit_with_card(SOFT)
    await proof_is_lost_once_the_silence_was_long_enough(office)
    assert await stands(office, proposal) == STILL_SOFT
    office.address.broken = None
    await office.passes(MINUTE)
    assert await office.status(proposal) is Status.CONSENTED


async def test_consent_without_proof_for_too_long_requires_explicit_approval(office: Office) -> None:
    proposal, _ = await office.submit_with_card(SOFT)
    await proof_is_lost_once_the_silence_was_long_enough(office)
    await office.passes(8 * MINUTE)
    assert await stands(office, proposal) == STILL_SOFT
    await office.passes(2 * MINUTE)
    assert await stands(office, proposal) == HARD_NOW
    (hardened,) = await office.events(proposal, "package.hardened")
    assert hardened["reason"] == "proof-lost"


async def test_silence_counts_only_once_slack_itself_has_called_the_address(database_url: str, tmp_path: Path) -> None:
    async with open_office(database_url, tmp_path, called=False) as office:
        proposal, _ = await office.submit_with_card(SOFT)
        await office.passes(5 * MINUTE)
        assert await stands(office, proposal) == STILL_SOFT
        assert "Slack has not called" in await silence(office)
        await office.slack.open_home(RITA)
        await office.passes(MINUTE)
        await office.passes(5 * MINUTE)
        assert await office.status(proposal) is Status.CONSENTED


async def test_a_new_address_must_be_called_by_slack_again(database_url: str, tmp_path: Path) -> None:
    async with stand_in(signing_secret=SECRET) as slack:
        furnish(slack)
        async with beside(slack, database_url, tmp_path) as office:
            key = await office.hire("Clerk")
            clock = office.clock
        async with beside(slack, database_url, tmp_path, clock=clock, called=False) as office:
            office.key = key
            proposal, _ = await office.submit_with_card(SOFT)
            await office.passes(9 * MINUTE)
            assert await stands(office, proposal) == STILL_SOFT
            await office.passes(2 * MINUTE)
            assert await stands(office, proposal) == HARD_NOW


async def test_a_probe_that_takes_another_path_than_slack_proves_nothing(database_url: str, tmp_path: Path) -> None:
    async with stand_in(signing_secret=SECRET) as slack:
        furnish(slack)
        async with beside(slack, database_url, tmp_path) as before:
            key, clock, url = await before.hire("Clerk"), before.clock, before.address.url
        port = int(url.rpartition(":")[2])
        other = f"http://localhost:{port}"
        async with beside(
            slack, database_url, tmp_path, clock=clock, port=port, COUNTERSIGN_PUBLIC_URL=other
        ) as office:
            office.key = key
            proposal, _ = await office.submit_with_card(SOFT)
            await office.slack.open_home(RITA)
            await office.passes(9 * MINUTE)
            assert await stands(office, proposal) == STILL_SOFT
            assert f"Slack calls 127.0.0.1:{port}" in await silence(office)
            await office.passes(2 * MINUTE)
            assert await stands(office, proposal) == HARD_NOW


async def test_an_unchanged_address_needs_no_new_call_after_a_restart(database_url: str, tmp_path: Path) -> None:
    async with stand_in(signing_secret=SECRET) as slack:
        furnish(slack)
        async with beside(slack, database_url, tmp_path) as office:
            key, clock, url = await office.hire("Clerk"), office.clock, office.address.url
        async with beside(
            slack, database_url, tmp_path, clock=clock, called=False, port=int(url.rpartition(":")[2])
        ) as office:
            office.key = key
            proposal, _ = await office.submit_with_card(SOFT)
            await office.passes(MINUTE)
            await office.passes(5 * MINUTE)
            assert await office.status(proposal) is Status.CONSENTED


async def test_without_a_public_address_soft_packages_are_hard_and_the_service_says_what_to_set(
    database_url: str, tmp_path: Path
) -> None:
    async with open_office(database_url, tmp_path, COUNTERSIGN_PUBLIC_URL="") as office:
        proposal, _ = await office.submit_with_card(SOFT)
        assert (proposal.body["level"], proposal.body["why"][0]["rule"]) == ("hard_approval", "no-public-url")
        assert "COUNTERSIGN_PUBLIC_URL is not set" in await silence(office)


async def post_event(office: Office, event: dict[str, Any]) -> int:
    body = json.dumps({"type": "event_callback", "event": event})
    headers = signature_headers(SECRET, body) | {"Content-Type": JSON}
    async with office.http.post("/slack/events", data=body, headers=headers) as answer:
        return answer.status


@pytest.mark.parametrize("nonce", ["", "made-up", None, {"a": 1}])
async def test_a_probe_that_nobody_awaits_is_refused_and_proves_nothing(
    database_url: str, tmp_path: Path, nonce: Any
) -> None:
    async with open_office(database_url, tmp_path, called=False) as office:
        assert await post_event(office, {"type": "countersign.probe", "nonce": nonce}) == 409
        assert "Slack has not called" in await silence(office) or "does not come back" in await silence(office)


async def test_a_probe_counts_once(office: Office) -> None:
    await office.submit_with_card(SOFT)
    await office.passes(MINUTE)
    probe = json.loads(office.address.passed[-1])["event"]
    assert probe["type"] == "countersign.probe"
    assert await post_event(office, probe) == 409
