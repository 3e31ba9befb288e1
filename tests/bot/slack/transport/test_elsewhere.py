"""Requests from other workspaces, signed by Slack for our app: they count for nothing, and are recorded."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from playground.model.messages import Message
from rules.reasons import Reason
from rules.state.commands import Verb
from rules.state.model import Status
from tests.bot.service import Response
from tests.bot.slack.office import ADAM, NOBODY, POLICY, RITA, SENTA, SOFT, Office, open_office
from tests.bot.slack.signed_requests import JSON, send_signed

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

TEAM, OTHER = {"id": "T1", "domain": "ours"}, {"id": "T2", "domain": "another"}
BELONGS = "another Slack workspace"


def person(user: str, team_id: str) -> dict[str, Any]:
    return {"id": user, "username": "someone", "name": "someone", "team_id": team_id}


async def signed_as(office: Office, payload: Mapping[str, Any], **fields: Any) -> Response:
    body = {**payload, "trigger_id": "another-trigger", **fields}
    return await send_signed(office, urlencode({"payload": json.dumps(body)}))


async def approves(office: Office, card: Message, **fields: Any) -> Response:
    """Another person's click, with some fields replaced."""
    tapped = await office.click(NOBODY, card, "approve")
    return await signed_as(office, tapped.payload, **fields)


ELSEWHERE = [
    pytest.param({"user": person(RITA, "T2")}, id="a member's id of another workspace"),
    pytest.param({"user": person(RITA, "T1"), "team": OTHER}, id="the app as it is installed elsewhere"),
    pytest.param({"user": person(RITA, "E2"), "team": None, "enterprise": {"id": "E2"}}, id="another enterprise"),
    pytest.param({"user": {"id": RITA}, "team": None}, id="no workspace at all"),
]


@pytest.mark.parametrize("fields", ELSEWHERE)
async def test_a_click_from_another_workspace_is_refused_and_recorded(office: Office, fields: dict[str, Any]) -> None:
    proposal, card = await office.submit_with_card(SOFT)
    assert (await approves(office, card, **fields)).status == 200
    assert await office.status(proposal) is Status.PENDING
    assert (RITA, Reason.ANOTHER_WORKSPACE) in await office.refusals(proposal)
    assert BELONGS in await office.notes(NOBODY)  # the trigger is used up; the response_url belongs to this person


async def test_details_are_not_opened_from_another_workspace(office: Office) -> None:
    proposal, card = await office.submit_with_card(SOFT)
    opened = await office.click(NOBODY, card, "details")
    calls = len(office.slack.calls_to("views.open"))
    await signed_as(office, opened.payload, user=person(RITA, "T2"))
    assert BELONGS in await office.notes(NOBODY)
    assert all(call.error for call in office.slack.calls_to("views.open")[calls:])
    assert await office.refusals(proposal) == [(RITA, Reason.ANOTHER_WORKSPACE)]


@pytest.mark.parametrize("installed", ["T1", "T2"])
async def test_a_form_from_another_workspace_is_refused_and_recorded(office: Office, installed: str) -> None:
    """In a view, `team` is the person's workspace; the app's is a field of the view."""
    proposal, card = await office.submit_with_card()
    given_up = await office.give(SENTA, card, Verb.REJECT, {"comment": " "})
    filled = given_up.payload["view"]
    filled["state"]["values"]["comment"]["comment"]["value"] = "Not now."
    home = "T2" if installed == "T1" else "T1"
    view = {**filled, "app_installed_team_id": installed}
    answer = await signed_as(office, given_up.payload, user=person(SENTA, home), team={"id": home}, view=view)
    assert BELONGS in answer.text
    assert await office.status(proposal) is Status.PENDING
    assert await office.refusals(proposal) == [(SENTA, Reason.ANOTHER_WORKSPACE)]


async def test_a_guest_listed_in_the_policy_may_belong_to_another_workspace(database_url: str, tmp_path: Path) -> None:
    policy = POLICY.replace('max_age = "1000d"', f'max_age = "1000d"\nguests = ["{RITA}"]')
    async with open_office(database_url, tmp_path, policy) as office:
        proposal, card = await office.submit_with_card(SOFT)
        await approves(office, card, user=person(RITA, "T2"))
        assert await office.status(proposal) is Status.APPROVED


GRID = [
    pytest.param({"user": person(RITA, "T3"), "team": TEAM}, id="a member whose home is another workspace of ours"),
    pytest.param({"user": person(RITA, "E1"), "team": None, "enterprise": {"id": "E1"}}, id="an app for the whole"),
]


@pytest.mark.parametrize("fields", GRID)
async def test_in_an_enterprise_a_member_may_click_from_any_of_its_workspaces(
    office: Office, fields: dict[str, Any]
) -> None:
    await in_an_enterprise(office)
    proposal, card = await office.submit_with_card(SOFT)
    await approves(office, card, **fields)
    assert await office.status(proposal) is Status.APPROVED


async def test_a_click_from_another_enterprise_is_refused(office: Office) -> None:
    await in_an_enterprise(office)
    proposal, card = await office.submit_with_card(SOFT)
    await approves(office, card, user=person(RITA, "E2"), team=None, enterprise={"id": "E2"})
    assert await office.status(proposal) is Status.PENDING


async def in_an_enterprise(office: Office) -> None:
    """As if auth.test had named an enterprise."""
    assert office.running.service.slack is not None
    client = office.running.service.slack.client
    client._installed = (await client.installation())._replace(enterprise_id="E1")


async def test_a_command_from_another_workspace_does_nothing(office: Office) -> None:
    paused = await office.slack.command(ADAM, "/reviews", "pause Clerk")
    assert paused.app_request is not None
    payload = {**paused.payload, "team_id": "T2", "text": "resume Clerk", "trigger_id": "another-trigger"}
    answer = await send_signed(office, replace(paused.app_request, payload=payload).encode()[0])
    assert BELONGS in answer.text
    assert (await office.submit()).problem == (409, "agent-paused")


async def test_an_event_of_another_workspace_teaches_nothing(office: Office) -> None:
    """The app may be installed there too; its events there are not about our people."""
    who = {"team_id": "T2", "enterprise_id": None, "user_id": "UBOT2", "is_bot": True}
    changed = office.slack.person_event(RITA)
    gone = {**changed, "user": {**changed["user"], "deleted": True}}
    event = {**office.slack.client.payloads.event(gone), "team_id": "T2", "authorizations": [who]}
    assert (await send_signed(office, json.dumps(event), JSON)).status == 200
    roster = await office.store.read(office.store.installation.roster)
    rita = roster.person(RITA)
    assert rita is not None
    assert rita.active
