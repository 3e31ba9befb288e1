"""The app's Home tab, one per person."""

from __future__ import annotations

from typing import Any

import pytest
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from playground.slack import NotPossibleError, Slack
from tests.playground.app import actions, button, error_of, modal, section

Json = dict[str, Any]


def home(*blocks: Json) -> Json:
    return {"type": "home", "blocks": list(blocks)}


async def test_opening_home_sends_an_event_and_the_app_publishes_it(
    client: AsyncWebClient, slack: Slack, app: AsyncApp
) -> None:
    @app.event("app_home_opened")
    async def listen(event: Json, client: AsyncWebClient) -> None:
        await client.views_publish(user_id=event["user"], view=home(section(f"{event['tab']} of {event['user']}")))

    outcome = await slack.open_home("UANN")
    assert outcome.status == 200
    published = await slack.until(lambda: slack.home("UANN"))
    assert published.shown == "home of UANN"
    assert slack.home("UBEN") is None
    again = await slack.open_home("UANN")
    assert again.payload["event"]["view"]["id"] == published.id
    assert "view" not in outcome.payload["event"]


async def test_a_click_in_home_names_its_view(client: AsyncWebClient, slack: Slack, app: AsyncApp) -> None:
    received: list[Json] = []

    @app.action("show")
    async def listen(ack: Any, body: Json) -> None:
        await ack()
        received.append(body)

    rows = [actions(button("show", value=row), block_id=f"row_{row}") for row in "ab"]
    await client.views_publish(user_id="UANN", view=home(*rows))
    with pytest.raises(NotPossibleError, match="2 elements"):
        await slack.click_home("UANN", "show")
    await slack.click_home("UANN", "show", having_value="b")
    await slack.click_home("UANN", "show", block_id="row_a")
    view = slack.home("UANN")
    assert view is not None
    assert [payload["actions"][0]["value"] for payload in received] == ["b", "a"]
    assert received[0]["container"] == {"type": "view", "view_id": view.id}
    assert received[0]["view"]["hash"] == view.hash
    await client.views_open(trigger_id=received[0]["trigger_id"], view=modal(section("Details")))
    assert len(slack.modals("UANN")) == 1


async def test_a_phone_can_click_in_an_older_home(client: AsyncWebClient, slack: Slack, app: AsyncApp) -> None:
    @app.action("show")
    async def listen(ack: Any) -> None:
        await ack()

    with pytest.raises(NotPossibleError, match="nothing was ever published"):
        await slack.click_home("UANN", "show")
    await client.views_publish(user_id="UANN", view=home(actions(button("show", value="old"))))
    older = slack.home("UANN")
    await client.views_publish(user_id="UANN", view=home(section("Empty")))
    with pytest.raises(NotPossibleError, match="0 elements"):
        await slack.click_home("UANN", "show")
    outcome = await slack.click_home("UANN", "show", copy=older)
    assert outcome.payload["actions"][0]["value"] == "old"


async def test_publishing_with_an_old_hash_is_refused(client: AsyncWebClient, slack: Slack) -> None:
    first = await client.views_publish(user_id="UANN", view=home(section("1")))
    second = await client.views_publish(user_id="UANN", view=home(section("2")), hash=first["view"]["hash"])
    assert first["view"]["id"] == second["view"]["id"]
    late = client.views_publish(user_id="UANN", view=home(section("3")), hash=first["view"]["hash"])
    assert await error_of(late) == "hash_conflict"


async def test_posting_to_unsuitable_places_is_refused(client: AsyncWebClient, slack: Slack) -> None:
    assert await error_of(client.views_publish(user_id="UANN", view=modal(section("1")))) == "invalid_arguments"
    assert await error_of(client.views_publish(user_id="UNOBODY", view=home(section("1")))) == "user_not_found"
    slack.workspace.home_enabled = False
    assert await error_of(client.views_publish(user_id="UANN", view=home(section("1")))) == "not_enabled"
