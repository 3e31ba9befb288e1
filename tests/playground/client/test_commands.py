"""Slash commands, and posts to their response_url."""

from __future__ import annotations

from typing import Any

import pytest
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from playground.slack import Command, NotPossibleError, Slack
from tests.playground.app import actions, button, section
from tests.playground.manual_clock import ManualClock

Json = dict[str, Any]


@pytest.fixture
def answers(app: AsyncApp) -> list[Json]:
    """The app's answers, one after the other, then empty answers."""
    answers: list[Json] = []

    @app.command("/reviews")
    async def listen(ack: Any) -> None:
        await ack(**(answers.pop(0) if answers else {}))

    return answers


async def test_a_command_payload_matches_slacks_field_for_field(slack: Slack, app: AsyncApp) -> None:
    received: list[Json] = []

    @app.command("/reviews")
    async def listen(ack: Any, body: Json) -> None:
        received.append(body)
        await ack("Nothing waits.")

    outcome = await slack.command(
        "UANN", "/reviews", "assign pkg_1 @ben in #general, not ben@example.org", channel="C1"
    )
    (payload,) = received
    assert payload == outcome.payload
    assert (payload["command"], payload["text"]) == (
        "/reviews",
        "assign pkg_1 <@UBEN|ben> in <#C1|general>, not ben@example.org",
    )
    assert (payload["user_id"], payload["user_name"], payload["team_id"]) == ("UANN", "ann", "T1")
    assert (payload["channel_id"], payload["channel_name"]) == ("C1", "general")
    (note,) = outcome.notes
    assert (note.text, note.seen_by, note.channel) == ("Nothing waits.", "UANN", "C1")
    assert slack.messages("C1") == []


async def test_an_answer_may_be_public(slack: Slack, answers: list[Json]) -> None:
    answers.append({"text": "<@UANN> counts.", "response_type": "in_channel"})
    await slack.command("UANN", "/reviews", channel="C1")
    (message,) = slack.messages("C1")
    assert (message.text, message.notified, slack.private_notes("UANN")) == (
        "<@UANN> counts.",
        frozenset({"UANN"}),
        [],
    )


async def test_an_answer_that_slack_would_refuse_is_shown_as_an_error(slack: Slack, answers: list[Json]) -> None:
    answers.append({"text": "Here", "blocks": [section("x" * 3001)]})
    outcome = await slack.command("UANN", "/reviews")
    assert (outcome.status, outcome.error, outcome.notes) == (200, "invalid_blocks", [])


async def test_a_command_may_have_an_empty_answer(slack: Slack, answers: list[Json]) -> None:
    outcome = await slack.command("UANN", "/reviews")
    assert (outcome.error, outcome.notes, outcome.payload["channel_name"]) == (None, [], "directmessage")


async def test_people_who_may_not_give_a_verb_are_refused(slack: Slack, answers: list[Json]) -> None:
    with pytest.raises(NotPossibleError, match="another workspace"):
        await slack.command("USTR", "/reviews", channel="CEXT")
    with pytest.raises(NotPossibleError, match="not in CEXT"):
        await slack.command("UBEN", "/reviews", channel="CEXT")
    slack.workspace.commands = (Command("/other"),)
    with pytest.raises(NotPossibleError, match="/reviews is not a command here"):
        await slack.command("UANN", "/reviews")


async def test_an_app_that_is_late_is_shown_as_an_error(slack: Slack, answers: list[Json]) -> None:
    slack.ack_within = 0.05
    gate = slack.faults.hold("auth.test", times=None)
    assert (await slack.command("UANN", "/reviews")).error == "operation_timeout"
    gate.open()
    slack.app_at(None)
    assert (await slack.command("UANN", "/reviews")).error == "dispatch_failed"


async def test_a_response_url_accepts_five_answers_in_half_an_hour(
    slack: Slack, answers: list[Json], clock: ManualClock
) -> None:
    outcome = await slack.command("UANN", "/reviews", channel="C1")
    hook = AsyncWebhookClient(outcome.response_url)
    for number in range(5):
        assert (await hook.send(text=f"{number}")).status_code == 200
    sixth = await hook.send(text="6")
    assert (sixth.status_code, '"used_url"' in sixth.body) == (404, True)
    assert [note.text for note in outcome.notes] == ["0", "1", "2", "3", "4"]
    late = AsyncWebhookClient((await slack.command("UANN", "/reviews")).response_url)
    clock.advance(1801)
    assert '"expired_url"' in (await late.send(text="late")).body


async def test_an_unreachable_app_address_fails(client: AsyncWebClient, slack: Slack, answers: list[Json]) -> None:
    outcome = await slack.command("UANN", "/reviews", channel="C1")
    hook = AsyncWebhookClient(outcome.response_url)
    made_up = AsyncWebhookClient(outcome.response_url + "x")
    assert '"no_service"' in (await made_up.send(text="Hello")).body
    slack.change_channel("C1", archived=True)
    assert '"is_archived"' in (await hook.send(text="Hello")).body
    slack.renumber("C1", "C2")
    slack.change_channel("C2", archived=False)
    assert (await hook.send(text="Hello", response_type="in_channel")).status_code == 200
    assert [message.text for message in slack.messages("C2")] == ["Hello"]
    slack.change_person("UANN", online=False)
    assert (await hook.send(text="Psst")).status_code == 200
    assert outcome.notes == []


async def test_an_answer_replaces_the_previous_one(slack: Slack, answers: list[Json]) -> None:
    answers.append({"text": "Looking …"})
    outcome = await slack.command("UANN", "/reviews")
    await AsyncWebhookClient(outcome.response_url).send(text="Found.", replace_original=True)
    assert [note.text for note in outcome.notes] == ["Found."]


async def test_a_refused_view_does_not_use_up_its_trigger(slack: Slack, answers: list[Json]) -> None:
    hook = AsyncWebhookClient((await slack.command("UANN", "/reviews")).response_url)
    for _ in range(6):
        refused = await hook.send(blocks=[section("")])
        assert (refused.status_code, '"invalid_blocks"' in refused.body) == (400, True)
    assert (await hook.send(text="now")).status_code == 200


async def test_a_click_can_replace_its_message_and_delete_it(
    client: AsyncWebClient, slack: Slack, app: AsyncApp
) -> None:
    @app.action("go")
    async def listen(ack: Any) -> None:
        await ack()

    await client.chat_postMessage(channel="C1", text="Card", blocks=[section("<@UANN>"), actions(button("go"))])
    (before,) = slack.messages("C1")
    hook = AsyncWebhookClient((await slack.click("UANN", before, "go")).response_url)
    await hook.send(text="Done", blocks=[section("Done by <@UBEN>")], replace_original=True)
    (after,) = slack.messages("C1")
    assert (after.ts, after.shown, after.edits, after.notified) == (before.ts, "Done by <@UBEN>", 1, {"UANN"})
    await hook.send_dict({"text": "in the thread", "response_type": "in_channel", "thread_ts": before.ts})
    assert [message.text for message in slack.thread("C1", before.ts)] == ["in the thread"]
    await hook.send(delete_original=True)
    assert [message.text for message in slack.messages("C1")] == ["in the thread"]
    assert '"message_not_found"' in (await hook.send(text="gone", replace_original=True)).body


async def test_a_private_note_has_buttons_of_its_own(client: AsyncWebClient, slack: Slack, app: AsyncApp) -> None:
    @app.action("go")
    async def listen(ack: Any, respond: Any) -> None:
        await ack()
        await respond(text="Gone.", replace_original=True)

    await client.chat_postEphemeral(channel="C1", user="UANN", text="Only you", blocks=[actions(button("go"))])
    (note,) = slack.private_notes("UANN")
    with pytest.raises(NotPossibleError, match="only UANN sees"):
        await slack.click("UBEN", note, "go")
    outcome = await slack.click("UANN", note, "go")
    assert outcome.payload["container"]["is_ephemeral"] is True
    await slack.until(lambda: [note.text for note in slack.private_notes("UANN")] == ["Gone."])


async def test_a_response_url_accepts_more_blocks_than_a_post(
    client: AsyncWebClient, slack: Slack, answers: list[Json]
) -> None:
    long = [section("x" * 2900, block_id=f"b{number}") for number in range(5)]
    hook = AsyncWebhookClient((await slack.command("UANN", "/reviews")).response_url)
    assert (await hook.send(text="long", blocks=long)).status_code == 200
