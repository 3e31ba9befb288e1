"""chat.*: posting, changing, and the errors for what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from playground.slack import Slack
from tests.playground.app import actions, button, error_of, refusal_of, section

Json = dict[str, Any]


async def post(client: AsyncWebClient, channel: str = "C1", **arguments: Any) -> str:
    answer = await client.chat_postMessage(channel=channel, **({"text": "Hello"} | arguments))
    return str(answer["ts"])


async def test_a_post_returns_its_channel_and_timestamp(client: AsyncWebClient, slack: Slack) -> None:
    answer = await client.chat_postMessage(
        channel="C1",
        text="Hello",
        metadata={"event_type": "shown", "event_payload": {"id": "pkg_1"}},
        unfurl_links=False,
        unfurl_media=False,
    )
    (message,) = slack.messages("C1")
    assert (answer["channel"], answer["ts"]) == ("C1", message.ts)
    assert (answer["message"]["text"], answer["message"]["bot_id"]) == ("Hello", "BBOT")
    assert message.metadata == {"event_type": "shown", "event_payload": {"id": "pkg_1"}}
    assert (message.unfurl_links, message.unfurl_media, message.edits) == (False, False, 0)


async def test_the_same_post_twice_is_two_messages(client: AsyncWebClient, slack: Slack) -> None:
    first, second = await post(client), await post(client)
    assert first < second
    assert len(slack.messages("C1")) == 2


async def test_a_post_to_a_person_goes_to_the_direct_channel(client: AsyncWebClient, slack: Slack) -> None:
    answer = await client.chat_postMessage(channel="UANN", text="For you")
    assert answer["channel"] == slack.direct("UANN")
    (message,) = slack.messages("UANN")
    assert message.notified == {"UANN"}
    update = client.chat_update(channel="UANN", ts=message.ts, text="No")
    assert await error_of(update) == "channel_not_found"
    await client.chat_update(channel=answer["channel"], ts=message.ts, text="Yes")
    assert [message.text for message in slack.messages("UANN")] == ["Yes"]


async def test_replies_belong_to_their_thread(client: AsyncWebClient, slack: Slack) -> None:
    parent = await post(client)
    reply = await post(client, thread_ts=parent)
    await post(client, thread_ts=reply, text="A reply to a reply")
    assert [reply.thread_ts for reply in slack.thread("C1", parent)] == [parent, parent]
    assert await error_of(client.chat_postMessage(channel="C1", text="?", thread_ts="1.2")) == "thread_not_found"


async def test_the_app_cannot_post_to_every_place(client: AsyncWebClient, slack: Slack) -> None:
    slack.add_channel("COLD", archived=True)
    slack.add_channel("COUT", bot_in=False)
    slack.add_channel("GOUT", private=True, bot_in=False)
    slack.add_person("UBOT2", bot=True)
    slack.add_person("UOLD", deleted=True)
    places = {
        "C404": "channel_not_found",
        "": "channel_not_found",
        "COLD": "is_archived",
        "COUT": "not_in_channel",
        "GOUT": "channel_not_found",
        "UBOT2": "cannot_dm_bot",
        "UOLD": "channel_not_found",
        "USTR": "channel_not_found",
    }
    errors = {place: await error_of(client.chat_postMessage(channel=place, text="Hello")) for place in places}
    assert errors == places
    slack.scopes.add("chat:write.public")
    await post(client, "COUT")


async def test_a_channel_gets_a_new_id_when_it_is_shared(client: AsyncWebClient, slack: Slack) -> None:
    slack.add_channel("G1", private=True, members=["UANN"])
    ts = await post(client, "G1")
    slack.renumber("G1", "C9")
    assert await error_of(client.chat_update(channel="G1", ts=ts, text="Later")) == "channel_not_found"
    await client.chat_update(channel="C9", ts=ts, text="Later")
    assert slack.message("C9", ts).text == "Later"


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"text": ""}, "no_text"),
        ({"blocks": [section("x" * 3001)]}, "invalid_blocks"),
        ({"blocks": [section("x")] * 51}, "invalid_blocks"),
        ({"blocks": [section("x" * 2900, block_id=f"{n}") for n in range(6)]}, "msg_blocks_too_long"),
        ({"metadata": {"event_type": "x", "event_payload": {"x": "y" * 20_000}}}, "metadata_too_large"),
    ],
    ids=["nothing", "long-section", "many-blocks", "many-words", "large-metadata"],
)
async def test_messages_that_slack_refuses_are_refused(
    arguments: Json, error: str, client: AsyncWebClient, slack: Slack
) -> None:
    asked = {"channel": "C1", "text": "Hello", **arguments}
    answer = await refusal_of(client.api_call("chat.postMessage", json=asked))
    assert answer["error"] == error
    assert slack.messages("C1") == []


async def test_a_refusal_points_to_the_fault(client: AsyncWebClient, slack: Slack) -> None:
    answer = await refusal_of(client.chat_postMessage(channel="C1", text="x", blocks=[section("x" * 3001)]))
    (message,) = answer["response_metadata"]["messages"]
    assert message.startswith("[ERROR] ")
    assert message.endswith("[json-pointer:/blocks/0/text/text]")


async def test_an_update_is_silent(client: AsyncWebClient, slack: Slack) -> None:
    ts = await post(client, text="<@UANN> look", blocks=[section("<@UANN> look"), actions(button("go"))])
    old = slack.message("C1", ts)
    await client.chat_update(channel="C1", ts=ts, text="<@UBEN> too", blocks=[section("<@UBEN> too")])
    new = slack.message("C1", ts)
    assert (old.action_ids, new.action_ids) == (["go"], [])
    assert (new.edits, new.notified, new.shown) == (1, {"UANN"}, "<@UBEN> too")


async def test_an_update_with_text_only_removes_the_blocks(client: AsyncWebClient, slack: Slack) -> None:
    metadata = {"event_type": "shown", "event_payload": {"id": "pkg_1"}}
    ts = await post(client, blocks=[section("Hello"), actions(button("go"))], metadata=metadata)
    await client.chat_update(channel="C1", ts=ts, text="Settled.")
    message = slack.message("C1", ts)
    assert (message.blocks, message.metadata) == ([], metadata)
    await client.chat_update(channel="C1", ts=ts, text="Settled.", metadata={})
    assert slack.message("C1", ts).metadata is None


async def test_some_messages_cannot_be_changed(client: AsyncWebClient, slack: Slack) -> None:
    ts = await post(client)
    note = (await client.chat_postEphemeral(channel="C1", user="UANN", text="Psst"))["message_ts"]
    update = client.chat_update
    assert await error_of(update(channel="C1", ts="1.2", text="x")) == "message_not_found"
    assert await error_of(update(channel="C1", ts=note, text="x")) == "message_not_found"
    assert await error_of(update(channel="C404", ts=ts, text="x")) == "channel_not_found"
    assert await error_of(update(channel="C1", ts=ts, text="x" * 4001)) == "msg_too_long"
    theirs = slack.say("UANN", "C1", "Hello?")
    assert await error_of(update(channel="C1", ts=theirs.ts, text="x")) == "cant_update_message"
    assert await error_of(client.chat_delete(channel="C1", ts=theirs.ts)) == "cant_delete_message"
    slack.change_channel("C1", archived=True)
    assert await error_of(update(channel="C1", ts=ts, text="x")) == "is_inactive"


async def test_a_message_is_deleted(client: AsyncWebClient, slack: Slack) -> None:
    ts = await post(client)
    assert (await client.chat_getPermalink(channel="C1", message_ts=ts))["permalink"].endswith(ts.replace(".", ""))
    await client.chat_delete(channel="C1", ts=ts)
    assert slack.messages("C1") == []
    assert await error_of(client.chat_getPermalink(channel="C1", message_ts=ts)) == "message_not_found"


async def test_a_private_note_is_not_shown_to_a_person_who_is_offline(client: AsyncWebClient, slack: Slack) -> None:
    slack.change_person("UANN", online=False)
    await client.chat_postEphemeral(channel="C1", user="UANN", text="Psst")
    assert slack.private_notes("UANN") == []
    out = client.chat_postEphemeral(channel="C1", user="USTR", text="Psst")
    assert await error_of(out) == "user_not_in_channel"
    parent = await post(client)
    slack.change_person("UANN", online=True)
    await client.chat_postEphemeral(channel="C1", user="UANN", text="Too early", thread_ts=parent)
    await post(client, thread_ts=parent)
    await client.chat_postEphemeral(channel="C1", user="UANN", text="In time", thread_ts=parent)
    assert [message.text for message in slack.private_notes("UANN")] == ["In time"]
    slack.reload("UANN")
    assert slack.private_notes("UANN") == []
    with_blocks = client.chat_postEphemeral(
        channel="C1", user="UANN", text="x", attachments=[{"blocks": [section("x")]}]
    )
    assert await error_of(with_blocks) == "invalid_attachments"


@pytest.mark.parametrize(
    ("arguments", "pinged"),
    [
        ({"text": "<@UANN> <@USTR> <@U404>"}, {"UANN"}),
        ({"text": "<!subteam^S1|@reviewers>"}, {"UANN"}),
        ({"text": "<!here>"}, {"UANN", "UBEN", "UGUS"}),
        ({"text": "&lt;@UANN&gt; &lt;!channel&gt;"}, set()),
        ({"blocks": [section("<@UBEN>")]}, {"UBEN"}),
        ({"blocks": [{"type": "section", "text": {"type": "plain_text", "text": "<@UBEN>"}}]}, set()),
        ({"text": "<@UANN>", "blocks": [section("Nobody")]}, set()),
        ({"blocks": [section("@here")]}, {"UANN", "UBEN", "UGUS"}),
        ({"blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "@here", "verbatim": True}}]}, set()),
        (
            {
                "blocks": [
                    {
                        "type": "rich_text",
                        "elements": [
                            {
                                "type": "rich_text_section",
                                "elements": [
                                    {"type": "text", "text": "<@UANN>"},
                                    {"type": "user", "user_id": "UBEN"},
                                ],
                            }
                        ],
                    }
                ]
            },
            {"UBEN"},
        ),
    ],
    ids=["users", "group", "here", "escaped", "blocks", "plain", "blocks-not-text", "bare", "verbatim", "rich"],
)
async def test_a_post_notifies_the_mentioned_people(
    arguments: Json, pinged: set[str], client: AsyncWebClient, slack: Slack
) -> None:
    await post(client, **arguments)
    assert slack.messages("C1")[0].notified == pinged


async def test_blocks_without_ids_are_given_some(client: AsyncWebClient, slack: Slack) -> None:
    press = {"type": "button", "text": {"type": "plain_text", "text": "Go"}}
    await post(client, blocks=[section("Hello"), {"type": "actions", "elements": [press]}])
    (message,) = slack.messages("C1")
    assert len({block["block_id"] for block in message.blocks}) == 2
    assert len(message.action_ids[0]) == 5
    assert message.labels == ["Go"]
