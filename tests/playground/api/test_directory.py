"""auth, users, user groups and channels, and the scopes that reading them needs."""

from __future__ import annotations

from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from playground.slack import Slack
from tests.playground.app import error_of, refusal_of


async def test_auth_test_returns_our_identity_and_scopes(client: AsyncWebClient, slack: Slack) -> None:
    answer = await client.auth_test()
    assert (answer["team_id"], answer["user_id"], answer["bot_id"]) == ("T1", "UBOT", "BBOT")
    assert set(answer.headers["x-oauth-scopes"].split(",")) == slack.scopes
    assert (await client.bots_info(bot="BBOT"))["bot"]["app_id"] == "A1"
    assert await error_of(client.team_info()) == "missing_scope"
    slack.scopes.add("team:read")
    assert (await client.team_info())["team"]["id"] == "T1"


@pytest.mark.parametrize(
    ("token", "error"),
    [("", "not_authed"), ("xoxb-made-up", "invalid_auth"), ("xapp-stand-in", "not_allowed_token_type")],
)
async def test_an_invalid_token_is_refused(token: str, error: str, client: AsyncWebClient) -> None:
    client.token = token
    assert await error_of(client.auth_test()) == error


@pytest.mark.parametrize("error", ["account_inactive", "token_revoked"])
async def test_a_revoked_token_is_refused(error: str, client: AsyncWebClient, slack: Slack) -> None:
    slack.workspace.token_error = error
    answer = await refusal_of(client.auth_test())
    assert (answer["error"], "x-oauth-scopes" in answer.headers) == (error, False)


async def test_a_missing_scope_is_named(client: AsyncWebClient, slack: Slack) -> None:
    slack.scopes -= {"users:read", "chat:write"}
    answer = await refusal_of(client.users_info(user="UANN"))
    assert (answer["error"], answer["needed"]) == ("missing_scope", "users:read")
    assert answer["provided"] == ",".join(sorted(slack.scopes))
    assert await error_of(client.chat_postMessage(channel="C1", text="Hello")) == "missing_scope"


async def test_an_unknown_method_is_refused(client: AsyncWebClient) -> None:
    assert await error_of(client.api_call("chat.shout")) == "unknown_method"


async def test_people_are_paged(client: AsyncWebClient, slack: Slack) -> None:
    everybody = [person["id"] async for page in await client.users_list(limit=2) for person in page["members"]]
    assert everybody == ["UBOT", "USLACKBOT", "UANN", "UBEN", "UGUS", "USTR"]
    assert await error_of(client.users_list(cursor="made up")) == "invalid_cursor"


async def test_people_are_shown_with_their_kind(client: AsyncWebClient, slack: Slack) -> None:
    slack.add_person("UOLD", deleted=True)
    slack.add_person("UFLOW", workflow_bot=True)
    slack.add_person("UMULTI", guest="multi")
    shown: dict[str, Any] = {person["id"]: person for person in (await client.users_list())["members"]}
    assert shown["UANN"]["profile"]["email"] == "ann@example.org"
    assert (shown["UGUS"]["is_restricted"], shown["UGUS"]["is_ultra_restricted"]) == (True, True)
    assert (shown["UMULTI"]["is_restricted"], shown["UMULTI"]["is_ultra_restricted"]) == (True, False)
    assert (shown["USTR"]["is_stranger"], shown["USTR"]["team_id"]) == (True, "TFOREIGN")
    assert "email" not in shown["USTR"]["profile"]
    assert (shown["UOLD"]["deleted"], "is_restricted" in shown["UOLD"]) == (True, False)
    assert (shown["UFLOW"]["is_bot"], shown["UFLOW"]["is_workflow_bot"]) == (True, True)
    assert shown["USLACKBOT"]["is_bot"] is False
    slack.scopes.remove("users:read.email")
    assert "email" not in (await client.users_info(user="UANN"))["user"]["profile"]


async def test_people_are_looked_up_by_email(client: AsyncWebClient, slack: Slack) -> None:
    assert (await client.users_lookupByEmail(email="Ann@example.org"))["user"]["id"] == "UANN"
    assert await error_of(client.users_lookupByEmail(email="str@example.net")) == "users_not_found"
    slack.change_person("UANN", deleted=True)
    assert await error_of(client.users_lookupByEmail(email="ann@example.org")) == "users_not_found"
    assert await error_of(client.users_info(user="U404")) == "user_not_found"


async def test_groups_are_listed_with_their_members(client: AsyncWebClient, slack: Slack) -> None:
    slack.add_group("S2", ["UBEN"])
    slack.change_group("S2", disabled=True)
    groups = (await client.usergroups_list(include_users=True))["usergroups"]
    assert [(group["id"], group["handle"], group["users"]) for group in groups] == [
        ("S1", "reviewers", ["UANN", "USTR"])
    ]
    assert (await client.usergroups_users_list(usergroup="S1"))["users"] == ["UANN", "USTR"]
    assert await error_of(client.usergroups_users_list(usergroup="S2")) == "no_such_subteam"
    slack.faults.groups_unreadable()
    assert await error_of(client.usergroups_list()) == "plan_upgrade_required"
    assert await error_of(client.usergroups_users_list(usergroup="S1")) == "plan_upgrade_required"


async def test_only_channels_that_the_app_may_see_are_shown(client: AsyncWebClient, slack: Slack) -> None:
    slack.add_channel("GIN", private=True)
    slack.add_channel("GOUT", private=True, bot_in=False)
    slack.add_channel("COLD", archived=True, bot_in=False)
    info = (await client.conversations_info(channel="CEXT", include_num_members=True))["channel"]
    assert (info["is_ext_shared"], info["is_member"], info["num_members"]) == (True, True, 2)
    info = (await client.conversations_info(channel="COLD"))["channel"]
    assert (info["is_archived"], info["is_member"], info["is_ext_shared"]) == (True, False, False)
    assert await error_of(client.conversations_info(channel="GOUT")) == "channel_not_found"
    listed = await client.conversations_list(types="public_channel,private_channel", exclude_archived=True)
    assert [channel["id"] for channel in listed["channels"]] == ["C1", "CEXT", "GIN"]
    assert await error_of(client.conversations_list(types="public")) == "invalid_types"
    slack.scopes.remove("groups:read")
    assert await error_of(client.conversations_list(types="private_channel")) == "missing_scope"
    assert await error_of(client.conversations_info(channel="GIN")) == "missing_scope"


async def test_members_are_paged(client: AsyncWebClient, slack: Slack) -> None:
    first = await client.conversations_members(channel="C1", limit=3)
    cursor = first["response_metadata"]["next_cursor"]
    second = await client.conversations_members(channel="C1", limit=3, cursor=cursor)
    assert first["members"] + second["members"] == ["UANN", "UBEN", "UGUS", "UBOT"]
    assert second["response_metadata"]["next_cursor"] == ""


async def test_a_direct_channel_is_opened_only_with_an_existing_person(client: AsyncWebClient, slack: Slack) -> None:
    slack.scopes.add("im:write")
    slack.add_person("UOLD", deleted=True)
    opened = await client.conversations_open(users=["UANN"])
    assert opened["channel"]["id"] == slack.direct("UANN")
    assert await error_of(client.conversations_open(users="UOLD")) == "user_disabled"
    assert await error_of(client.conversations_open(users="U404")) == "user_not_found"
    assert await error_of(client.conversations_open(users="UBOT")) == "cannot_dm_bot"
