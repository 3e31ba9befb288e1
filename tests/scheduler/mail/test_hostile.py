"""Titles, names and addresses that want to be headers, markup or somebody else's mail."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from email import message_from_string, policy
from email.header import decode_header, make_header
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blocks.mail.mail import Mail, compose_mail
from blocks.mail.matter import Matter
from bot.mail.server import parse_sender
from rules.package.model import DecisionPackage
from scheduler.mail import drafting
from scheduler.mail.addresses import AddressError, parse_address
from scheduler.mail.message import Heading, message_id, write_message
from tests.mail_server import MailServer
from tests.rules.world import OWEN, RITA, ROSE, person
from tests.rules.world import package as package_of
from tests.rules.world import policy as policy_of
from tests.scheduler.mail.rounds import MailRounds, open_mail_rounds
from tests.store.world import LASTING, open_world

SENDER = parse_sender("countersign@example.com")
HEADERS = {
    "From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "X-Auto-Response-Suppress", "MIME-Version",
    "Content-Type",
}  # fmt: skip
INJECTED = "Delete\r\nBcc: eve@evil.example\r\n\r\n<b>Approve</b>"


# What a mail program would decode: line ends, right-to-left and zero-width text, split over words, in other charsets.
ENCODED = [
    "=?utf-8?q?x=0D=0AReply-To:=20evil@x.example=0D=0A=0D=0AFree=20body?=",
    "=?utf-8?b?eA0KUmVwbHktVG86IGV2aWxAeC5leGFtcGxlDQoNCkZyZWU=?=",
    "=?utf-8?q?x=0D?= =?utf-8?q?=0ABcc:=20eve@evil.example?=",
    "=?iso-8859-1?q?x=0D=0ABcc:=20eve@evil.example?=",
    "=?utf-16?b?AA0ACgBCAGMAYwA6ACAAZQ==?=",
    "=?utf-8?q?=E2=80=AE=E2=80=8B?=",
    "=?utf-8*en?Q?=0a=0aFree?=",
    "=?=?utf-8?q?=0A?=?=",
    "=?",
]


def written(mail: Mail, to: str = "rita@example.com") -> str:
    heading = Heading(SENDER, parse_address(to), message_id(SENDER, "0"), None, datetime.now(UTC))
    return write_message(mail, heading)


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029"])
def test_no_line_end_in_a_subject_begins_a_header(end: str) -> None:
    message = message_from_string(written(Mail(f"Hello{end}Bcc: eve@evil.example", "text", "<p>html</p>")))
    assert set(message.keys()) == HEADERS


WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)  # JSON has no lone surrogates
HOSTILE = st.lists(WORDS | st.sampled_from(ENCODED), max_size=4).map("".join)


@given(HOSTILE, HOSTILE, HOSTILE)
def test_no_text_adds_a_header_or_a_part(subject: str, text: str, html: str) -> None:
    whole = written(Mail(subject, text, html))
    message = message_from_string(whole, policy=policy.default)
    assert sorted(message.keys()) == sorted(HEADERS)
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    assert _decoded_subject(whole) == " ".join(subject.split())


@pytest.mark.parametrize("encoded", ENCODED)
def test_a_subject_that_mail_programs_would_decode_stays_as_it_was_written(encoded: str) -> None:
    whole = written(Mail(f"Take over: {encoded}", "text", "<p>html</p>"))
    assert sorted(message_from_string(whole).keys()) == sorted(HEADERS)
    assert _decoded_subject(whole) == f"Take over: {encoded}"
    assert str(message_from_string(whole, policy=policy.default)["Subject"]) == f"Take over: {encoded}"


def test_a_subject_in_plain_letters_can_be_read_in_the_source() -> None:
    assert "Subject: A critical decision waits for you\r\n" in written(
        Mail("A critical decision waits for you", "text", "<p>html</p>")
    )


def _decoded_subject(whole: str) -> str:
    return str(make_header(decode_header(message_from_string(whole)["Subject"])))


@pytest.mark.parametrize("encoded", [ENCODED[0], ENCODED[5]])
async def test_a_title_that_mail_programs_would_decode_is_text(
    database_url: str, server: MailServer, encoded: str
) -> None:
    titles = policy_of(**LASTING, email={"subject": "title"})
    async with open_world(database_url, titles) as world, open_mail_rounds(world, server) as rounds:
        await _tell_rita(rounds, package_of(recommendation="escalate", title=encoded))
        message = server.only().message
    assert message["Subject"] == f"Take over: {encoded}"
    assert (message["Reply-To"], message["Bcc"]) == (None, None)
    assert "An agent has stopped" in server.only().text


async def test_a_title_cannot_add_a_header_or_markup(database_url: str, server: MailServer) -> None:
    """Not even if the policy puts it into the subject."""
    titles = policy_of(**LASTING, email={"subject": "title"})
    async with open_world(database_url, titles) as world, open_mail_rounds(world, server) as rounds:
        await _tell_rita(rounds, package_of(recommendation="escalate", title=" ".join(INJECTED.split())))
        mail = server.only()
    assert mail.recipient == "rita@example.com"
    assert mail.message["Bcc"] is None
    assert mail.subject == "Take over: Delete Bcc: eve@evil.example <b>Approve</b>"
    assert "<b>Approve</b>" not in mail.part("html")


async def test_a_package_of_200_kb_is_a_mail_of_bounded_size(rounds: MailRounds, server: MailServer) -> None:
    large = {f"field_{number}": "x" * 2_000 for number in range(60)}
    await _tell_rita(rounds, package_of(recommendation="escalate", action_parameters=large))
    assert 10_000 < len(server.only().raw) < 200_000


@pytest.mark.parametrize(
    ("address", "recipient"),
    [
        ('"rita, the one"@example.com', '"rita, the one"@example.com'),
        ("rita@straße.example", "rita@xn--strae-oqa.example"),
        ("jürgen@example.com", "jürgen@example.com"),
    ],
)
async def test_odd_addresses_of_the_directory_arrive(
    rounds: MailRounds, server: MailServer, address: str, recipient: str
) -> None:
    await _tell_rita(rounds, package_of(recommendation="escalate"), address)
    assert server.recipients == [recipient]


@pytest.mark.parametrize(
    "address", ["rita@example.com, eve@evil.example", "rita@example.com\r\nBcc: eve@evil.example", "rita", "@", "a@b@c"]
)
async def test_an_address_that_is_none_is_a_dead_letter(rounds: MailRounds, server: MailServer, address: str) -> None:
    await _tell_rita(rounds, package_of(recommendation="escalate"), address)
    why = "the address of this person in the directory cannot be used: it is not an e-mail address"
    assert (server.got, await rounds.mails()) == ([], [(RITA, "dead", why)])


@given(st.text(max_size=60))
def test_an_address_is_one_address_or_an_error(text: str) -> None:
    try:
        address = parse_address(text).addr_spec
    except AddressError:
        return
    assert "\r" not in address
    assert "\n" not in address


async def _tell_rita(rounds: MailRounds, package: DecisionPackage, address: str = "rita@example.com") -> None:
    reader = person(RITA, email=address)
    await rounds.world.people_are({RITA: reader, ROSE: person(ROSE), OWEN: person(OWEN)})
    await rounds.world.submit(package)
    await rounds.send()


async def test_a_package_that_cannot_be_written_does_not_keep_back_the_others(
    rounds: MailRounds, server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if a text of it met a fault of ours."""
    real = compose_mail

    def compose(matters: Sequence[Matter], **options: Any) -> Mail:
        assert all("boom" not in str(matter.dossier.package) for matter in matters)
        return real(matters, **options)

    monkeypatch.setattr(drafting, "compose_mail", compose)
    await rounds.world.submit(package_of(recommendation="escalate", thread_id="thr_2", title="boom"))
    await _tell_rita(rounds, package_of(recommendation="escalate"))
    await rounds.later()  # each takeover has a mail of its own
    dropped = [why for user, _, state, why in await rounds.needs() if (user, state) == (RITA, "dropped")]
    assert server.only().subject == "An agent asks you to take over"
    assert dropped == ["a fault of Countersign itself, told in its log"]
