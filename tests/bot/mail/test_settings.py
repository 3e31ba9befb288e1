"""The settings of mail: both or neither, and never the password in a message."""

from __future__ import annotations

from typing import Any

import pytest

from bot.settings import SettingsError, read_settings

URL, FROM = "smtp://me:p%40ss%2Fword@mail.example.com:2525", "Countersign <countersign@example.com>"


def settings(**given: Any) -> Any:
    return read_settings(_env_file=None, **given)


def test_without_settings_mail_is_off() -> None:
    assert settings().mail is None
    assert settings(COUNTERSIGN_SMTP_URL="", COUNTERSIGN_EMAIL_FROM="").mail is None


def test_both_settings_turn_it_on() -> None:
    server, sender = settings(COUNTERSIGN_SMTP_URL=URL, COUNTERSIGN_EMAIL_FROM=FROM).mail
    assert (server.host, server.port, server.user, server.password) == ("mail.example.com", 2525, "me", "p@ss/word")
    assert (server.starts_tls, server.implicit_tls, str(sender)) == (True, False, FROM)


@pytest.mark.parametrize(
    ("url", "port", "implicit", "starts"),
    [
        ("smtp://mail.example.com", 587, False, True),
        ("smtps://mail.example.com", 465, True, False),
        ("smtp://127.0.0.1", 587, False, False),
        ("smtp://localhost:25", 25, False, False),
        ("smtp://[::1]:25", 25, False, False),
        ("smtp://127.0.0.1.example.com", 587, False, True),
    ],
)
def test_everything_but_a_server_on_this_machine_is_encrypted(
    url: str, port: int, *, implicit: bool, starts: bool
) -> None:
    server, _ = settings(COUNTERSIGN_SMTP_URL=url, COUNTERSIGN_EMAIL_FROM=FROM).mail
    assert (server.port, server.implicit_tls, server.starts_tls) == (port, implicit, starts)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"COUNTERSIGN_SMTP_URL": URL}, "COUNTERSIGN_EMAIL_FROM: must be set together with COUNTERSIGN_SMTP_URL"),
        ({"COUNTERSIGN_EMAIL_FROM": FROM}, "COUNTERSIGN_EMAIL_FROM: must be set together with COUNTERSIGN_SMTP_URL"),
        ({"COUNTERSIGN_SMTP_URL": "mail.example.com"}, "COUNTERSIGN_SMTP_URL: must be smtp://"),
        ({"COUNTERSIGN_SMTP_URL": "http://s3cret@h"}, "COUNTERSIGN_SMTP_URL: must be smtp://"),
        ({"COUNTERSIGN_SMTP_URL": "smtp://user:s3cret@h:port"}, "COUNTERSIGN_SMTP_URL: must be smtp://"),
        ({"COUNTERSIGN_SMTP_URL": "smtp://s3cret@h"}, "a user and a password, or neither"),
        ({"COUNTERSIGN_SMTP_URL": "smtp://u:s3cret@h?verify=no"}, "can only have the parameter ca=FILE"),
        ({"COUNTERSIGN_SMTP_URL": "smtp://u:s3cret@h?ca=/nowhere"}, "can only have the parameter ca=FILE"),
        ({"COUNTERSIGN_SMTP_URL": URL, "COUNTERSIGN_EMAIL_FROM": "nobody"}, "COUNTERSIGN_EMAIL_FROM: must be an"),
        ({"COUNTERSIGN_SMTP_URL": URL, "COUNTERSIGN_EMAIL_FROM": "a@b\nBcc: c@d"}, "COUNTERSIGN_EMAIL_FROM: must be"),
    ],
)
def test_a_wrong_setting_stops_the_start_and_tells_no_password(given: dict[str, str], says: str) -> None:
    with pytest.raises(SettingsError) as refused:
        settings(**given)
    assert says in str(refused.value)
    assert "s3cret" not in str(refused.value)


def test_the_password_is_in_no_text_of_the_settings() -> None:
    written = settings(COUNTERSIGN_SMTP_URL=URL, COUNTERSIGN_EMAIL_FROM=FROM)
    texts = [repr(written), str(written), repr(written.mail), str(written.mail)]
    assert [text for text in texts if "p%40ss" in text or "p@ss" in text] == []
