"""`COUNTERSIGN_PUBLIC_URL`: the address that Slack calls, with or without its path."""

from __future__ import annotations

from typing import Any

import pytest

from bot.settings import SettingsError, read_settings, require_slack
from bot.slack.transport.signature import plain_host

WHOLE = "https://countersign.example.com/slack/events"


def public_url(written: str, **settings: Any) -> str | None:
    return read_settings(_env_file=None, COUNTERSIGN_PUBLIC_URL=written, **settings).public_url


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("https://countersign.example.com", WHOLE),
        ("https://countersign.example.com/", WHOLE),
        (WHOLE, WHOLE),
        (f"{WHOLE}/", WHOLE),
        ("https://example.com/countersign", "https://example.com/countersign/slack/events"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080/slack/events"),
        ("", None),
    ],
)
def test_the_public_url_may_include_the_path(written: str, meant: str | None) -> None:
    assert public_url(written) == meant


@pytest.mark.parametrize(
    "written", ["countersign.example.com", "ftp://example.com", "https://", "https://u:p@example.com", f"{WHOLE}?a=b"]
)
def test_an_invalid_public_url_stops_the_start(written: str) -> None:
    with pytest.raises(SettingsError, match="COUNTERSIGN_PUBLIC_URL: must be the address that Slack calls"):
        public_url(written)


@pytest.mark.parametrize(
    "inside", ["http://127.0.0.1:8080", "http://localhost:8080", "https://10.1.2.3", "https://[::1]"]
)
def test_an_address_that_slack_cannot_call_stops_the_start(inside: str) -> None:
    given = {"slack_bot_token": "xoxb-1", "slack_signing_secret": "secret", "COUNTERSIGN_PUBLIC_URL": inside}
    with pytest.raises(SettingsError, match=r"COUNTERSIGN_PUBLIC_URL: .* is inside your network"):
        require_slack(read_settings(_env_file=None, **given))
    require_slack(read_settings(_env_file=None, **given, slack_api_url="http://127.0.0.1:9/api/"))


@pytest.mark.parametrize(
    ("given", "proves"),
    [
        ({}, True),
        ({"slack_bot_token": "xoxb-1"}, False),
        ({"slack_bot_token": "xoxb-1", "COUNTERSIGN_PUBLIC_URL": WHOLE}, True),
        ({"slack_bot_token": "xoxb-1", "slack_app_token": "xapp-1"}, True),
    ],
    ids=["without Slack", "HTTP without an address", "HTTP", "Socket Mode"],
)
def test_only_a_service_over_http_needs_a_public_url(given: dict[str, str], proves: bool) -> None:
    assert read_settings(_env_file=None, **given).can_prove_clicks is proves


@pytest.mark.parametrize(
    "written",
    ["countersign.example.com", "Countersign.Example.COM", "countersign.example.com:443", "countersign.example.com."],
)
def test_all_spellings_of_a_host_are_equal(written: str) -> None:
    assert plain_host(written) == "countersign.example.com"
