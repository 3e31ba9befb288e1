"""Replayed requests: a recorded request sent again while its signature is valid changes nothing."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest
from sqlalchemy import func, select, update

from playground.client.delivery import AppRequest
from playground.client.outcomes import Outcome
from playground.slack import stand_in
from rules.state.model import Status
from store.audit.tenant_record import TENANT_EVENTS
from store.commands.requests import KEPT_FOR, REQUESTS
from tests.bot.service import Response
from tests.bot.slack.office import ADAM, RITA, SECRET, SOFT, Office, beside, furnish
from tests.bot.slack.signed_requests import send, sign


class RecordedRequest(NamedTuple):
    """The exact bytes and their signature."""

    body: bytes
    headers: dict[str, str]
    kind: str

    @classmethod
    def of(cls, outcome: Outcome) -> RecordedRequest:
        assert outcome.app_request is not None
        return cls.of_request(outcome.app_request)

    @classmethod
    def of_request(cls, app_request: AppRequest) -> RecordedRequest:
        text, kind = app_request.encode()
        return cls(text.encode(), sign(text.encode()), kind)

    async def again(self, office: Office) -> Response:
        return await send(office, self.body, self.headers, self.kind)


async def command(office: Office, user: str, text: str) -> RecordedRequest:
    return RecordedRequest.of(await office.slack.command(user, "/reviews", text))


async def test_a_replayed_resume_does_not_undo_a_pause(office: Office) -> None:
    await command(office, ADAM, "pause Clerk")
    resumed = await command(office, ADAM, "resume Clerk")
    await command(office, ADAM, "pause Clerk")
    answer = await resumed.again(office)
    assert answer.status == 200
    assert (await office.submit()).problem == (409, "agent-paused")


async def test_a_repeated_command_is_answered_and_not_called_a_failure(office: Office) -> None:
    """Slack may send it again because our answer was lost."""
    answer = await (await command(office, ADAM, "resume Clerk")).again(office)
    assert (answer.status, "already carried out" in answer.text) == (200, True)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_repeated_back_and_away_commands_do_nothing(office: Office) -> None:
    away = await command(office, RITA, "away 3d")
    back = await command(office, RITA, "back")
    await away.again(office)
    assert not await is_away(office)
    await command(office, RITA, "away 2d")
    await back.again(office)
    assert await is_away(office)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_the_button_that_ends_an_absence_ends_no_later_one(office: Office) -> None:
    await command(office, RITA, "away 3d")
    await office.slack.open_home(RITA)
    await office.slack.until(lambda: office.slack.home(RITA))
    back = RecordedRequest.of(await office.slack.click_home(RITA, "home_back"))
    await command(office, RITA, "away 2d")
    await back.again(office)
    assert await is_away(office)


async def is_away(office: Office) -> bool:
    roster = await office.store.read(office.store.installation.roster)
    rita = roster.person(RITA)
    assert rita is not None
    return rita.is_away(office.clock.now)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_refused_click_is_not_granted_when_it_is_replayed(office: Office) -> None:
    proposal, card = await office.submit_with_card(SOFT)
    office.slack.change_person(RITA, deleted=True)
    await office.slack.event(office.slack.person_event(RITA))
    refused = RecordedRequest.of(await office.click(RITA, card, "approve"))
    office.slack.change_person(RITA, deleted=False)
    await office.slack.event(office.slack.person_event(RITA))
    await refused.again(office)
    assert await office.status(proposal) is Status.PENDING
    await office.click(RITA, card, "approve")
    assert await office.status(proposal) is Status.APPROVED


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_request_that_two_replicas_get_at_once_is_carried_out_by_one(database_url: str, tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        slack = await stack.enter_async_context(stand_in(signing_secret=SECRET))
        furnish(slack)
        one = await stack.enter_async_context(beside(slack, database_url, tmp_path))
        other = await stack.enter_async_context(beside(slack, database_url, tmp_path))
        await one.hire("Clerk")
        paused = await one.slack.command(ADAM, "/reviews", "pause Clerk")
        assert paused.app_request is not None
        resumes = replace(paused.app_request, payload={**paused.payload, "text": "resume Clerk", "trigger_id": "once"})
        before, recorded = await happenings(one), RecordedRequest.of_request(resumes)
        answers = await asyncio.gather(*(recorded.again(office) for office in (one, other) * 4))
        assert [answer.status for answer in answers] == [200] * 8
        assert await happenings(one) == before + 1


async def happenings(office: Office) -> int:
    count = select(func.count()).select_from(TENANT_EVENTS)
    return int(await office.store.read(lambda connection: connection.execute(count).scalar_one()))


async def test_requests_are_forgotten_once_their_signatures_expire(office: Office) -> None:
    await command(office, RITA, "away 3d")
    of_old = update(REQUESTS).values(at=REQUESTS.c.at - KEPT_FOR)
    await office.store.write(lambda connection: connection.execute(of_old))
    await command(office, RITA, "back")
    count = select(func.count()).select_from(REQUESTS)
    assert await office.store.read(lambda connection: connection.execute(count).scalar_one()) == 1
