"""The running service tells people by mail, as its settings say."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.slack.outgoing.client import SlackClient
from rules.state.sightings import CardLocation
from tests.bot.process.serving import serve_process
from tests.bot.service import TAKEOVER
from tests.bot.slack.office import HARD, RITA, Office, beside, open_office
from tests.bot.slack.operator_view import read_metric, read_posture
from tests.mail_server import MailServer, open_mail_server

FROM = "Countersign <countersign@example.org>"
MINUTES = timedelta(minutes=1)


@pytest.fixture
async def server() -> AsyncIterator[MailServer]:
    async with open_mail_server() as started:
        yield started


@pytest.fixture
async def office(database_url: str, tmp_path: Path, server: MailServer) -> AsyncIterator[Office]:
    async with open_office(
        database_url, tmp_path, COUNTERSIGN_SMTP_URL=server.url, COUNTERSIGN_EMAIL_FROM=FROM
    ) as opened:
        yield opened


async def test_a_takeover_is_mailed_and_shows_in_the_history(office: Office, server: MailServer) -> None:
    proposal, card = await office.submit_with_card(TAKEOVER)
    await server.wait_for(2)
    assert sorted(server.recipients) == ["rita@example.org", "ross@example.org"]
    state = await office.state(proposal)
    while not state.mailed:
        state = await office.state(proposal)
    details = await office.details(RITA, card)
    assert "Told by e-mail" in str(details)


@pytest.mark.slow
async def test_what_waits_while_slack_is_away_is_mailed_with_a_link_to_its_card(
    office: Office, server: MailServer
) -> None:
    _, card = await office.submit_with_card(HARD)
    await office.slack.go_down()
    await office.passes(11 * MINUTES)
    posture = await read_posture(office)
    await server.wait_for(2)
    assert sorted(server.recipients) == ["senta@example.org", "sven@example.org"]
    assert all(f"/archives/{card.channel}/p{card.ts.replace('.', '')}" in mail.text for mail in server.got)
    assert posture["slack_away_since"] is not None
    await office.slack.come_up()
    await office.passes(MINUTES)
    assert "slack_away_since" not in await read_posture(office)


@pytest.mark.slow
async def test_what_waits_is_mailed_if_slack_answers_and_takes_no_card(office: Office, server: MailServer) -> None:
    office.slack.faults.error("chat.postMessage", "internal_error", times=None)
    await office.submit(HARD)
    for _ in range(2):
        await office.passes(11 * MINUTES)
    posture = await read_posture(office)
    await server.wait_for(2)
    assert sorted(server.recipients) == ["senta@example.org", "sven@example.org"]
    assert (posture["slack"], bool(posture["slack_away_since"])) == ("ok", True)
    office.slack.faults.clear()
    await office.skip_pause()
    await office.passes(MINUTES)
    assert "slack_away_since" not in await read_posture(office)


@pytest.mark.slow
async def test_what_waits_is_mailed_if_no_socket_brings_clicks(
    database_url: str, tmp_path: Path, server: MailServer
) -> None:
    async with open_office(
        database_url, tmp_path, socket=True, COUNTERSIGN_SMTP_URL=server.url, COUNTERSIGN_EMAIL_FROM=FROM
    ) as office:
        await office.submit_with_card(HARD)
        office.slack.faults.status(503, "apps.connections.open", times=None)
        office.slack.sockets.drop()
        for _ in range(2):
            await office.passes(11 * MINUTES)
        assert (await read_posture(office))["slack_away_since"] is not None
        await server.wait_for(2)
    assert sorted(server.recipients) == ["senta@example.org", "sven@example.org"]


async def test_a_process_that_starts_while_slack_is_away_can_link_to_cards(
    office: Office, database_url: str, tmp_path: Path
) -> None:
    _, card = await office.submit_with_card(HARD)
    place = CardLocation(card.channel, card.ts)
    known = links_of(office).link_to(place)
    await office.slack.go_down()
    async with beside(office.slack, database_url, tmp_path, clock=office.clock, called=False) as second:
        assert links_of(second).link_to(place) == known
    assert known


def links_of(office: Office) -> SlackClient:
    slack = office.running.service.slack
    assert slack is not None
    return slack.client


@pytest.mark.slow
async def test_slack_that_asks_for_fewer_calls_is_not_away(office: Office) -> None:
    office.slack.faults.rate_limited("auth.test", seconds=3600)
    await office.passes(11 * MINUTES)
    assert "slack_away_since" not in await read_posture(office)


async def test_the_posture_and_the_metrics_count_mails(office: Office, server: MailServer) -> None:
    server.to_recipients.extend(["550 5.1.1 No such user"] * 2)
    await office.submit_with_card(TAKEOVER)
    while (await read_posture(office))["email"]["dead"] < 2:
        pass
    assert (await read_posture(office))["email"] == {"on": True, "waiting": 0, "due": 0, "dead": 2}
    assert await read_metric(office, 'countersign_mails_unsent{state="dead"}') == 2
    assert await read_metric(office, 'countersign_mails_total{outcome="dead"}') == 2
    assert (await read_posture(office))["callbacks"]["dead"] == 0


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.slow
async def test_serve_says_at_its_start_whether_mail_is_on(
    database_url: str, tmp_path: Path, server: MailServer
) -> None:
    settings = {"COUNTERSIGN_SMTP_URL": server.url.replace("//", "//me:s3cret@"), "COUNTERSIGN_EMAIL_FROM": FROM}
    async with serve_process(database_url, tmp_path, **settings) as process:
        on = await process.read_log(until="mail.on")
    assert (on["server"], on["sender"]) == (server.url, "countersign@example.org")
    assert "s3cret" not in str(process.log)
