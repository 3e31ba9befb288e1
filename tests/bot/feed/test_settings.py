"""The settings of the operators' feed. A wrong one stops the start by its name, and is never repeated."""

from __future__ import annotations

from typing import Any

import pytest

from bot.settings import Settings, SettingsError, read_settings
from tests.scheduler.feed.stations import SECRET

URL = "https://siem.example.com/events?token=t0ken"


def settings_with(**settings: Any) -> Settings:
    return read_settings(_env_file=None, **{f"COUNTERSIGN_FEED_{name}": value for name, value in settings.items()})


def test_the_feed_is_off_by_default() -> None:
    assert (settings_with().feeds, settings_with(URL="", SECRET="", FILE="").feeds) == ((), ())


def test_the_address_and_the_secret_turn_the_webhook_on_and_are_never_shown_whole() -> None:
    settings = settings_with(URL=URL, SECRET=SECRET)
    assert settings.feeds == ("webhook",)
    target = settings.feed_target
    assert target is not None
    assert (target.url, target.secrets, target.shown) == (URL, (SECRET,), "https://siem.example.com")
    assert "t0ken" not in repr(settings)


def test_two_secrets_are_for_a_rotation() -> None:
    target = settings_with(URL=URL, SECRET=f"{SECRET}, {SECRET[:-4]}AAAA").feed_target
    assert target is not None
    assert target.secrets == (SECRET, f"{SECRET[:-4]}AAAA")


@pytest.mark.parametrize("given", [{"URL": URL}, {"SECRET": SECRET}])
def test_one_without_the_other_stops_the_start(given: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match="COUNTERSIGN_FEED_SECRET: must be set together with COUNTERSIGN_FEED_URL"):
        settings_with(**given)


@pytest.mark.parametrize("secret", ["whsec_", "whsec_c2hvcnQ=", SECRET.removeprefix("whsec_"), f"{SECRET}!"])
def test_a_secret_that_is_none_stops_the_start_and_is_not_repeated(secret: str) -> None:
    with pytest.raises(SettingsError, match="COUNTERSIGN_FEED_SECRET: must be whsec_") as fault:
        settings_with(URL=URL, SECRET=secret)
    assert SECRET not in str(fault.value)


@pytest.mark.parametrize(
    "url",
    [
        "siem.example.com",
        "ftp://siem.example.com",
        "https://",
        "https://user:pass@siem.example.com",
        f"{URL}#a",
        "https://siem.example.com:99999/events",
        "https://[::1",
        f"{URL} a",
    ],
)
def test_an_address_that_is_none_stops_the_start_and_is_not_repeated(url: str) -> None:
    with pytest.raises(SettingsError, match="COUNTERSIGN_FEED_URL: must be the address of your receiver") as fault:
        settings_with(URL=url, SECRET=SECRET)
    assert "t0ken" not in str(fault.value)


@pytest.mark.parametrize(
    ("url", "is_exposed"),
    [
        ("http://siem.example.com/events", True),
        ("http://10.1.2.3:8088/events", True),
        ("http://localhost.example.com/events", True),
        ("https://siem.example.com/events", False),
        ("http://LOCALHOST:8088/events", False),
        ("http://127.1.2.3/events", False),
        ("http://[::1]:8088/events", False),
        ("http://[::ffff:127.0.0.1]/events", False),
    ],
)
def test_http_exposes_the_events_unless_the_receiver_is_on_this_machine(url: str, is_exposed: bool) -> None:
    target = settings_with(URL=url, SECRET=SECRET).feed_target
    assert target is not None
    assert target.is_exposed is is_exposed
