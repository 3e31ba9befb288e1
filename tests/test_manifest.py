"""Slack accepts `manifest.yml`, with either transport, and it asks for no more than the app needs.

`manifest.schema.json` in this folder contains Slack's rules for manifests. It refuses unknown fields.
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
from bot.demo.workspace import REVIEWS
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

# The scopes that each event needs: none, one, or one for public channels and one for private ones.
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


def manifest_for_http() -> dict[str, Any]:
    """The manifest as its comments describe it for HTTP: the example lines uncommented, Socket Mode off."""
    uncommented = re.sub(r"^( *)#(?=\w)", r"\1", TEXT, flags=re.MULTILINE)
    switched: dict[str, Any] = yaml.safe_load(
        uncommented.replace("socket_mode_enabled: true", "socket_mode_enabled: false")
    )
    return switched


def schema_errors(manifest: dict[str, Any]) -> list[str]:
    return sorted(f"{error.json_path}: {error.validator}" for error in SLACK.iter_errors(manifest))


def test_slack_accepts_the_manifest() -> None:
    assert schema_errors(MANIFEST) == []


def test_slack_accepts_the_manifest_for_http_that_its_comments_describe() -> None:
    assert schema_errors(manifest_for_http()) == []


def test_the_comments_change_the_transport_and_nothing_else() -> None:
    expected = copy.deepcopy(MANIFEST)
    expected["settings"]["socket_mode_enabled"] = False
    expected["settings"]["event_subscriptions"]["request_url"] = ADDRESS
    expected["settings"]["interactivity"]["request_url"] = ADDRESS
    expected["features"]["slash_commands"][0]["url"] = ADDRESS
    assert manifest_for_http() == expected


def test_the_shipped_manifest_needs_no_public_address() -> None:
    assert MANIFEST["settings"]["socket_mode_enabled"] is True
    assert "http" not in json.dumps(MANIFEST)


def test_without_socket_mode_the_manifest_needs_every_address() -> None:
    manifest = copy.deepcopy(MANIFEST)
    manifest["settings"]["socket_mode_enabled"] = False
    assert schema_errors(manifest) == [
        "$.features.slash_commands[0]: required",
        "$.settings.event_subscriptions: required",
        "$.settings.interactivity: required",
    ]


@pytest.mark.parametrize(
    ("place", "wrong", "expected"),
    [
        pytest.param("", {"features": None}, "$.features: type", id="a section without content"),
        pytest.param("", {"token": "x"}, "$: additionalProperties", id="an unknown field at the top"),
        pytest.param("settings", {"socket_mode": True}, "$.settings: additionalProperties", id="a misspelt setting"),
        pytest.param(
            "features.app_home", {"home": True}, "$.features.app_home: additionalProperties", id="a misspelt tab"
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
def test_a_manifest_that_slack_refuses_is_refused(place: str, wrong: dict[str, Any], expected: str) -> None:
    manifest = copy.deepcopy(MANIFEST)
    part = manifest
    for name in filter(None, place.split(".")):
        part = part[name]
    part.update(wrong)
    assert schema_errors(manifest) == [expected]


def open_objects(schema: Any, path: str = "$") -> list[str]:
    """The paths of all objects in the schema that would accept an unknown field."""
    if not isinstance(schema, dict):
        return []
    own = [path] if schema.get("type") == "object" and schema.get("additionalProperties") is not False else []
    return own + [error for name, part in schema.items() for error in open_objects(part, f"{path}.{name}")]


def test_the_schema_is_valid_and_closed() -> None:
    Draft202012Validator.check_schema(SLACK.schema)
    assert open_objects(SLACK.schema) == []


def test_the_app_asks_for_exactly_the_scopes_that_it_needs() -> None:
    assert sorted(BOT_SCOPES) == sorted(SCOPES)


def test_the_playground_grants_the_scopes_of_the_manifest() -> None:
    assert sorted(workspace.SCOPES) == sorted(BOT_SCOPES)


def test_the_app_asks_for_no_user_scopes_and_no_optional_scopes() -> None:
    assert MANIFEST["oauth_config"] == {"scopes": {"bot": BOT_SCOPES}}


def test_each_scope_has_a_comment() -> None:
    explained = re.findall(r"^ {6}- ([\w:.]+) # \w.+$", TEXT, re.MULTILINE)
    assert explained == BOT_SCOPES


def test_no_scope_or_event_reads_messages_or_files() -> None:
    reads = re.compile(r"history|mention|message|search|files|links|reactions|pins|bookmarks|canvases|\bm?p?im[:_.]")
    assert [asked for asked in [*BOT_SCOPES, *BOT_EVENTS] if reads.search(asked)] == []


@pytest.mark.parametrize("event", EVENT_SCOPES)
def test_each_event_needs_only_scopes_of_the_manifest(event: str) -> None:
    assert EVENT_SCOPES[event] <= set(BOT_SCOPES)


def test_the_manifest_subscribes_to_exactly_the_known_events() -> None:
    assert sorted(BOT_EVENTS) == sorted(EVENT_SCOPES)
    assert MANIFEST["settings"]["event_subscriptions"] == {"bot_events": BOT_EVENTS}


def test_the_slash_command_is_the_one_that_its_help_explains() -> None:
    explained = set(re.findall(r"/[a-z]+\b", json.dumps(reviews.help(is_admin=True).blocks)))
    assert [command["command"] for command in MANIFEST["features"]["slash_commands"]] == sorted(explained)


def test_the_hint_of_the_slash_command_names_words_that_everybody_may_use() -> None:
    (command,) = MANIFEST["features"]["slash_commands"]
    hinted = [words.split()[0] for words in command["usage_hint"].strip("[]").split(" | ")]
    assert set(hinted) <= {words.split()[0] for words in reviews.SUBCOMMAND_HELP}
    assert "help" in hinted


def test_the_demo_lists_the_command_as_the_manifest_declares_it() -> None:
    (command,) = MANIFEST["features"]["slash_commands"]
    assert workspace.Command(command["command"], command["usage_hint"], command["description"]) == REVIEWS


def test_people_and_channels_in_a_slash_command_come_as_ids() -> None:
    assert [command["should_escape"] for command in MANIFEST["features"]["slash_commands"]] == [True]


def test_the_app_has_a_home_tab_and_a_read_only_messages_tab() -> None:
    assert MANIFEST["features"]["app_home"] == {
        "home_tab_enabled": True,
        "messages_tab_enabled": True,
        "messages_tab_read_only_enabled": True,
    }


def test_interactivity_is_on_and_token_rotation_is_off() -> None:
    settings = MANIFEST["settings"]
    assert settings["interactivity"] == {"is_enabled": True}
    assert (settings["token_rotation_enabled"], settings["org_deploy_enabled"]) == (False, False)
