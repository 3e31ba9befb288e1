"""The Slack app is what `manifest.yml` says: Slack takes it, by either transport, and it asks for no more than it needs.

`manifest.schema.json` beside this file holds Slack's rules for manifests, in our own words and closed.
"""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from blocks.home import reviews
from bot.slack.outgoing.scopes import SCOPES
from playground.model import workspace

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "manifest.yml").read_text()
MANIFEST: dict[str, Any] = yaml.safe_load(TEXT)
SLACK = Draft202012Validator(json.loads((Path(__file__).parent / "manifest.schema.json").read_text()))
ADDRESS = "https://YOUR-HOST/slack/events"

BOT_SCOPES: list[str] = MANIFEST["oauth_config"]["scopes"]["bot"]
BOT_EVENTS: list[str] = MANIFEST["settings"]["event_subscriptions"]["bot_events"]

PUBLIC_AND_PRIVATE = {"channels:read", "groups:read"}

# What each event takes: nothing; or its scope; or one for public channels and one for private ones.
EVENT_SCOPES: dict[str, set[str]] = {
    "app_home_opened": set(),
    "app_uninstalled": set(),
    "tokens_revoked": set(),
    "user_change": {"users:read"},
    "team_join": {"users:read"},
    "subteam_created": {"usergroups:read"},
    "subteam_updated": {"usergroups:read"},
    "subteam_members_changed": {"usergroups:read"},
    "channel_archive": {"channels:read"},
    "channel_unarchive": {"channels:read"},
    "channel_deleted": {"channels:read"},
    "channel_left": {"channels:read"},
    "group_archive": {"groups:read"},
    "group_unarchive": {"groups:read"},
    "group_deleted": {"groups:read"},
    "group_left": {"groups:read"},
    "channel_id_changed": {"groups:read"},
    "member_joined_channel": PUBLIC_AND_PRIVATE,
    "member_left_channel": PUBLIC_AND_PRIVATE,
}


def over_http() -> dict[str, Any]:
    """What comes of doing what the comments say: the example lines uncommented, Socket Mode off."""
    uncommented = re.sub(r"^( *)#(?=\w)", r"\1", TEXT, flags=re.MULTILINE)
    switched: dict[str, Any] = yaml.safe_load(
        uncommented.replace("socket_mode_enabled: true", "socket_mode_enabled: false")
    )
    return switched


def faults(manifest: dict[str, Any]) -> list[str]:
    return sorted(f"{fault.json_path}: {fault.validator}" for fault in SLACK.iter_errors(manifest))


def test_slack_takes_the_manifest_as_it_stands() -> None:
    assert faults(MANIFEST) == []


def test_slack_takes_the_manifest_that_the_comments_make_for_http() -> None:
    assert faults(over_http()) == []


def test_the_comments_change_the_transport_and_nothing_else() -> None:
    expected = copy.deepcopy(MANIFEST)
    expected["settings"]["socket_mode_enabled"] = False
    expected["settings"]["event_subscriptions"]["request_url"] = ADDRESS
    expected["settings"]["interactivity"]["request_url"] = ADDRESS
    expected["features"]["slash_commands"][0]["url"] = ADDRESS
    assert over_http() == expected


def test_as_shipped_it_needs_no_public_address() -> None:
    assert MANIFEST["settings"]["socket_mode_enabled"] is True
    assert "http" not in json.dumps(MANIFEST)


def test_without_socket_mode_slack_has_to_be_told_every_address() -> None:
    manifest = copy.deepcopy(MANIFEST)
    manifest["settings"]["socket_mode_enabled"] = False
    assert faults(manifest) == [
        "$.features.slash_commands[0]: required",
        "$.settings.event_subscriptions: required",
        "$.settings.interactivity: required",
    ]


@pytest.mark.parametrize(
    ("place", "wrong", "fault"),
    [
        pytest.param("", {"features": None}, "$.features: type", id="nothing where something belongs"),
        pytest.param("", {"token": "x"}, "$: additionalProperties", id="a word unknown at the top"),
        pytest.param("settings", {"socket_mode": True}, "$.settings: additionalProperties", id="a setting misspelt"),
        pytest.param(
            "features.app_home", {"home": True}, "$.features.app_home: additionalProperties", id="a tab misspelt"
        ),
        pytest.param(
            "display_information",
            {"description": "x" * 141},
            "$.display_information.description: maxLength",
            id="a description over 140",
        ),
        pytest.param(
            "display_information",
            {"long_description": "x" * 174},
            "$.display_information.long_description: minLength",
            id="a long description under 175",
        ),
        pytest.param(
            "display_information",
            {"long_description": "x" * 4001},
            "$.display_information.long_description: maxLength",
            id="a long description over 4000",
        ),
        pytest.param(
            "display_information", {"name": "x" * 36}, "$.display_information.name: maxLength", id="a name over 35"
        ),
        pytest.param(
            "features.bot_user",
            {"display_name": "Countersign"},
            "$.features.bot_user.display_name: pattern",
            id="a bot with a capital letter",
        ),
        pytest.param(
            "features",
            {"slash_commands": [{"command": "reviews", "description": "x"}]},
            "$.features.slash_commands[0].command: pattern",
            id="a command without its slash",
        ),
        pytest.param(
            "settings.event_subscriptions",
            {"bot_events": ["team_join", "team_join"]},
            "$.settings.event_subscriptions.bot_events: uniqueItems",
            id="an event twice",
        ),
    ],
)
def test_what_slack_refuses_is_refused(place: str, wrong: dict[str, Any], fault: str) -> None:
    manifest = copy.deepcopy(MANIFEST)
    part = manifest
    for name in filter(None, place.split(".")):
        part = part[name]
    part.update(wrong)
    assert faults(manifest) == [fault]


def opened(schema: Any, path: str = "$") -> list[str]:
    """Where the schema describes an object and would let a word pass that it does not know."""
    if not isinstance(schema, dict):
        return []
    here = [path] if schema.get("type") == "object" and schema.get("additionalProperties") is not False else []
    return here + [fault for name, part in schema.items() for fault in opened(part, f"{path}.{name}")]


def test_the_rules_are_themselves_in_order_and_closed() -> None:
    Draft202012Validator.check_schema(SLACK.schema)
    assert opened(SLACK.schema) == []


def test_the_app_asks_for_exactly_the_scopes_that_it_needs() -> None:
    assert sorted(BOT_SCOPES) == sorted(SCOPES)


def test_the_stand_in_for_slack_grants_what_the_manifest_asks_for() -> None:
    assert sorted(workspace.SCOPES) == sorted(BOT_SCOPES)


def test_nothing_is_asked_for_in_a_persons_name_and_nothing_is_optional() -> None:
    assert MANIFEST["oauth_config"] == {"scopes": {"bot": BOT_SCOPES}}


def test_each_scope_says_why_it_is_there() -> None:
    explained = re.findall(r"^ {6}- ([\w:.]+) # \w.+$", TEXT, re.MULTILINE)
    assert explained == BOT_SCOPES


def test_no_scope_and_no_event_reads_messages_or_files() -> None:
    reads = re.compile(r"history|mention|message|search|files|links|reactions|pins|bookmarks|canvases|\bm?p?im[:_.]")
    assert [asked for asked in [*BOT_SCOPES, *BOT_EVENTS] if reads.search(asked)] == []


@pytest.mark.parametrize("event", EVENT_SCOPES)
def test_an_event_takes_no_scope_that_is_not_asked_for(event: str) -> None:
    assert EVENT_SCOPES[event] <= set(BOT_SCOPES)


def test_each_event_stands_under_what_it_takes() -> None:
    assert sorted(BOT_EVENTS) == sorted(EVENT_SCOPES)
    assert MANIFEST["settings"]["event_subscriptions"] == {"bot_events": BOT_EVENTS}


def test_the_one_slash_command_is_the_one_that_the_help_explains() -> None:
    explained = set(re.findall(r"/[a-z]+\b", json.dumps(reviews.help(is_admin=True).blocks)))
    assert [command["command"] for command in MANIFEST["features"]["slash_commands"]] == sorted(explained)


def test_the_hint_of_the_slash_command_names_words_that_everybody_may_use() -> None:
    (command,) = MANIFEST["features"]["slash_commands"]
    hinted = [words.split()[0] for words in command["usage_hint"].strip("[]").split(" | ")]
    assert set(hinted) <= {words.split()[0] for words in reviews.WORD_HELP}
    assert "help" in hinted


def test_people_and_channels_in_a_slash_command_come_as_ids() -> None:
    assert [command["should_escape"] for command in MANIFEST["features"]["slash_commands"]] == [True]


def test_the_app_has_a_home_tab_and_a_messages_tab_that_only_tells() -> None:
    assert MANIFEST["features"]["app_home"] == {
        "home_tab_enabled": True,
        "messages_tab_enabled": True,
        "messages_tab_read_only_enabled": True,
    }


def test_buttons_work_and_tokens_do_not_rotate() -> None:
    settings = MANIFEST["settings"]
    assert settings["interactivity"] == {"is_enabled": True}
    assert (settings["token_rotation_enabled"], settings["org_deploy_enabled"]) == (False, False)
