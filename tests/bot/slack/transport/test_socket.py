"""Socket Mode: clicks arrive over a connection that we opened, and there is always one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.slack.transport import socket
from playground.api.socket_mode import DisconnectReason
from playground.slack import Slack, stand_in
from rules.state.commands import Verb
from rules.state.model import Status
from tests.bot.slack.office import HARD, NOBODY, RITA, SENTA, SOFT, Office, beside, furnish, open_office

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

TICKET = "apps.connections.open"


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "PAUSE", 0.001)


@pytest.fixture
async def office(database_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    async with open_office(database_url, tmp_path, socket=True) as office:
        await wait_until_connected(office.slack)
        yield office


async def wait_until_connected(slack: Slack, times: int = 1) -> None:
    """Wait for a connection that was opened after this many tickets."""
    await slack.until(lambda: slack.sockets.connected >= 1 and len(slack.calls_to(TICKET)) > times)


async def posture(office: Office) -> dict[str, Any]:
    posture: dict[str, Any] = (await office.get("/readyz")).body["posture"]
    return posture


async def approves(office: Office) -> None:
    """One tap of a reviewer counts."""
    proposal, card = await office.submit_with_card(SOFT)
    outcome = await office.click(RITA, card, "approve")
    assert (outcome.ok, await office.status(proposal)) == (True, Status.APPROVED)


# ---- requests


async def test_interactions_arrive_over_the_socket_and_are_answered_over_it(office: Office) -> None:
    proposal, card = await office.submit_with_card(HARD)
    assert (await office.click(SENTA, card, "approve")).ok
    modal = office.slack.modal(SENTA)
    assert modal is not None
    assert (await office.slack.command(SENTA, "/reviews", "queue")).ok
    assert "Read the record" in office.slack.private_notes(SENTA)[-1].shown
    assert (await office.slack.open_home(SENTA)).ok
    await office.slack.until(lambda: office.slack.home(SENTA))
    assert (await office.give(SENTA, card, Verb.REJECT, {"comment": "Not now."})).ok
    assert await office.status(proposal) is Status.REJECTED


async def test_without_a_signing_secret_there_is_no_endpoint(office: Office) -> None:
    assert (await office.call("POST", "/slack/events", data=b"payload={}")).status == 404


async def test_an_answer_typed_into_the_form_reaches_the_agent(office: Office) -> None:
    _, card = await office.submit_with_card(HARD)
    outcome = await office.give(SENTA, card, Verb.REJECT, {"comment": " "})
    assert outcome.ok
    assert outcome.errors


async def test_a_refusal_is_shown_only_to_its_clicker(office: Office) -> None:
    _, card = await office.submit_with_card(HARD)
    assert (await office.click(NOBODY, card, "approve")).ok
    assert await office.refused(NOBODY)


async def test_the_posture_shows_whether_the_socket_is_connected(office: Office) -> None:
    await approves(office)
    assert (await posture(office))["socket"] == "connected"
    office.slack.faults.error(TICKET, "internal_error", times=None)
    attempts = len(office.slack.calls_to(TICKET))
    office.slack.sockets.drop()
    await office.slack.until(lambda: len(office.slack.calls_to(TICKET)) > attempts)
    proposal = await office.get("/readyz")
    assert (proposal.body["ready"], proposal.body["posture"]["socket"]) == (True, "not connected")


# ---- connections that end


async def test_a_malformed_envelope_is_ignored_and_the_connection_stays(office: Office) -> None:
    for nonsense in ("not JSON", "[]", "null", "{}"):
        await office.slack.sockets._next().websocket.send_str(nonsense)
    await approves(office)
    assert len(office.slack.calls_to(TICKET)) == 2
    assert (await posture(office))["socket"] == "connected"


@pytest.mark.parametrize("reason", ["refresh_requested", "link_disabled"])
async def test_after_a_connection_was_closed_a_click_works(office: Office, reason: DisconnectReason) -> None:
    await office.slack.sockets.disconnect(reason)
    await wait_until_connected(office.slack, times=2)
    await approves(office)


async def test_a_warning_opens_the_next_connection_before_the_last_one_ends(office: Office) -> None:
    seen: list[int] = []

    def both_are_there() -> bool:
        seen.append(office.slack.sockets.connected)
        return seen[-1] == 2

    await office.slack.sockets.disconnect("warning")
    await office.slack.until(both_are_there)
    assert min(seen) == 1
    for _ in range(2):  # the stand-in takes the sockets in turns
        await approves(office)


async def test_a_click_is_answered_over_the_ending_connection_that_delivered_it(office: Office) -> None:
    proposal, card = await office.submit_with_card(HARD)
    gate = office.slack.faults.hold("views.open")
    tapping = asyncio.create_task(office.click(SENTA, card, "approve"))
    await gate.wait_until_reached()
    await office.slack.sockets.disconnect("warning")
    await wait_until_connected(office.slack, times=2)
    gate.open()
    assert (await tapping).ok
    assert office.slack.modal(SENTA) is not None
    assert await office.status(proposal) is Status.PENDING


async def test_a_connection_that_breaks_silently_is_replaced_at_once(office: Office) -> None:
    for times in (2, 3, 4):
        office.slack.sockets.drop()
        await wait_until_connected(office.slack, times=times)
        await approves(office)


async def test_a_click_is_finished_even_if_its_connection_is_cut(office: Office) -> None:
    _, card = await office.submit_with_card(HARD)
    office.slack.ack_within = 0.2
    gate = office.slack.faults.hold("views.open")
    tapping = asyncio.create_task(office.click(SENTA, card, "approve"))
    await gate.wait_until_reached()
    office.slack.sockets.drop()
    gate.open()
    assert (await tapping).error == "operation_timeout"
    await office.slack.until(lambda: office.slack.modal(SENTA))
    office.slack.ack_within = 3
    await wait_until_connected(office.slack, times=2)
    await approves(office)


async def test_a_connection_without_hello_is_given_up(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "OPENS_WITHIN", 0.2)
    office.slack.sockets.is_mute = True
    before = len(office.slack.calls_to(TICKET))
    office.slack.sockets.drop()
    await office.slack.until(lambda: len(office.slack.calls_to(TICKET)) > before + 1)
    office.slack.sockets.is_mute = False
    await office.slack.until(lambda: office.slack.sockets.connected)
    await approves(office)


async def test_each_attempt_has_a_ticket_of_its_own(office: Office) -> None:
    office.slack.faults.error(TICKET, "internal_error", times=3)
    office.slack.sockets.drop()
    await wait_until_connected(office.slack, times=5)
    tickets = [call.answer["url"] for call in office.slack.calls_to(TICKET) if not call.error]
    assert len(tickets) == len(set(tickets)) == 3
    await approves(office)


class ExpiredTickets(set[str]):
    """A stand-in whose tickets have all expired."""

    def __contains__(self, _: object) -> bool:
        return False


async def test_an_invalid_ticket_is_not_tried_twice(office: Office) -> None:
    before = len(office.slack.calls_to(TICKET))
    office.slack.workspace.tickets = ExpiredTickets()
    office.slack.sockets.drop()
    await office.slack.until(lambda: len(office.slack.calls_to(TICKET)) >= before + 3)
    office.slack.workspace.tickets = set()
    await office.slack.until(lambda: office.slack.sockets.connected)
    await approves(office)


# ---- start and shutdown


def failing(fail: Any) -> Any:
    def scene(slack: Slack) -> None:
        furnish(slack)
        fail(slack.faults)

    return scene


@pytest.mark.parametrize(
    "fail",
    [
        pytest.param(lambda faults: faults.error(TICKET, "internal_error", times=4), id="the ticket request fails"),
        pytest.param(lambda faults: faults.status(503, TICKET, times=4), id="it answers 503"),
        pytest.param(lambda faults: faults.lose_reply(TICKET, times=4), id="its answers are lost"),
    ],
)
async def test_slack_is_asked_again_if_it_gives_no_ticket(database_url: str, tmp_path: Path, fail: Any) -> None:
    async with open_office(database_url, tmp_path, socket=True, scene=failing(fail)) as office:
        await wait_until_connected(office.slack, times=4)
        await approves(office)


async def test_on_shutdown_the_connection_is_closed(database_url: str, tmp_path: Path) -> None:
    async with stand_in() as slack:
        furnish(slack)
        async with beside(slack, database_url, tmp_path, socket=True):
            await wait_until_connected(slack)
        await slack.until(lambda: slack.sockets.connected == 0)
        assert len(slack.calls_to(TICKET)) == 2
