"""The client of the mail server: encrypted, with a login, patient, and never telling the password."""

from __future__ import annotations

import socket
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import quote

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from bot.mail import client as mail_client
from bot.mail.client import SmtpClient
from bot.mail.server import parse_sender, parse_smtp_url
from scheduler.mail.client import Envelope, MailError, MailRefusedError, NoAnswerError
from tests.mail_server import CUT, PASSWORD, USER, Held, MailServer, open_mail_server

SENDER = parse_sender("countersign@example.com")
MAIL = Envelope("rita@example.com", b"Subject: hello\r\n\r\nHello.\r\n")


async def nothing() -> None:
    """Before the text."""


async def send(url: str, mail: Envelope = MAIL) -> None:
    client = SmtpClient(parse_smtp_url(url), SENDER)
    try:
        await client.send(mail, nothing)
    finally:
        await client.close()


def with_login(url: str, password: str = PASSWORD) -> str:
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{USER}:{quote(password, safe='')}@{rest}"


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[ssl.SSLContext, str]:
    """A server's TLS with a certificate of its own for 127.0.0.1, and the file that makes a client trust it."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail")])
    now = datetime.now(UTC)
    made_out = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, secret = tmp_path / "mail.pem", tmp_path / "mail.key"
    pem.write_bytes(made_out.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, secret)
    return context, str(pem)


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the server were on another machine: then STARTTLS is required."""
    monkeypatch.setattr("bot.mail.server.SmtpServer.is_here", property(lambda _: False))


@pytest.fixture
async def server() -> AsyncIterator[MailServer]:
    async with open_mail_server() as started:
        yield started


async def test_a_mail_is_sent_by_starttls_with_a_login(
    certificate: tuple[ssl.SSLContext, str], elsewhere: None
) -> None:
    tls, pem = certificate
    async with open_mail_server(tls, login=True) as server:
        await send(f"{with_login(server.url)}?ca={pem}")
    assert server.recipients == ["rita@example.com"]


async def test_a_mail_is_sent_by_tls_from_the_start(certificate: tuple[ssl.SSLContext, str]) -> None:
    tls, pem = certificate
    async with open_mail_server(tls, implicit=True) as server:
        await send(f"{server.url.replace('smtp:', 'smtps:')}?ca={pem}")
    assert server.recipients == ["rita@example.com"]


@pytest.mark.parametrize("implicit", [False, True], ids=["starttls", "tls"])
async def test_a_certificate_of_an_unknown_authority_is_refused_before_the_login(
    certificate: tuple[ssl.SSLContext, str], elsewhere: None, *, implicit: bool
) -> None:
    async with open_mail_server(certificate[0], implicit=implicit, login=not implicit) as server:
        url = server.url.replace("smtp:", "smtps:") if implicit else server.url
        with pytest.raises(MailError, match="certificate is not trusted"):
            await send(with_login(url))
    assert (server.got, server.logins) == ([], [])


async def test_a_certificate_of_another_host_is_refused(certificate: tuple[ssl.SSLContext, str]) -> None:
    tls, pem = certificate
    async with open_mail_server(tls, implicit=True) as server:
        url = server.url.replace("smtp://127.0.0.1", "smtps://localhost")
        with pytest.raises(MailError, match="certificate is not trusted"):
            await send(f"{url}?ca={pem}")


async def test_a_server_on_another_machine_without_starttls_gets_neither_password_nor_mail(
    server: MailServer, elsewhere: None
) -> None:
    with pytest.raises(MailError, match="the mail server offers no STARTTLS on this port"):
        await send(with_login(server.url))
    assert (server.got, server.logins) == ([], [])


async def test_a_server_that_offers_no_login_gets_no_password() -> None:
    async with open_mail_server(mechanisms=False) as server:
        with pytest.raises(MailError, match="the mail server offers no login on this port"):
            await send(with_login(server.url))
    assert (server.got, server.logins) == ([], [])


async def test_a_server_that_asks_for_starttls_is_quoted(server: MailServer) -> None:
    server.to_recipients.append("530 5.7.0 Must issue a STARTTLS command first")
    with pytest.raises(MailError, match=r"answered 530 5\.7\.0 Must issue a STARTTLS command first"):
        await send(server.url)


async def test_a_refused_password_is_a_trouble_of_the_server_and_is_not_told(
    certificate: tuple[ssl.SSLContext, str], elsewhere: None
) -> None:
    tls, pem = certificate
    async with open_mail_server(tls, login=True) as server:
        with pytest.raises(MailError, match="refuses the user or the password: 535") as refused:
            await send(f"{with_login(server.url, 'wrong-password')}?ca={pem}")
    assert not isinstance(refused.value, MailRefusedError)
    assert "wrong-password" not in str(refused.value)


async def test_a_password_that_the_server_repeats_is_not_told(server: MailServer) -> None:
    server.to_texts.append(f"554 5.7.1 You said {PASSWORD} before")
    client = SmtpClient(parse_smtp_url(server.url), SENDER)
    client._server = client._server._replace(password=PASSWORD)  # without a user: the server offers no login here
    with pytest.raises(MailRefusedError) as refused:
        await client.send(MAIL, nothing)
    await client.close()
    assert str(refused.value) == "the mail server refuses the text: 554 5.7.1 You said *** before"


@pytest.mark.parametrize("answer", ["550 5.1.1 No such user", "553 5.1.3 Bad address", "550 5.2.1 Disabled"])
async def test_a_refused_address_is_final(server: MailServer, answer: str) -> None:
    server.to_recipients.append(answer)
    with pytest.raises(MailRefusedError, match="refuses this address"):
        await send(server.url)


@pytest.mark.parametrize(
    "answer",
    [
        "550 5.7.1 Relaying denied",
        "554 5.7.1 Blocked, see https://blocks.example",
        "530 5.7.0 Authentication required",
        "550 5.1.8 Sender rejected",
        "550 Relaying denied",
    ],
)
async def test_a_refusal_that_may_be_about_us_is_not_final(server: MailServer, answer: str) -> None:
    """It concerns the mails of everyone, and ends when the server's settings are mended."""
    server.to_recipients.append(answer)
    with pytest.raises(MailError) as refused:
        await send(server.url)
    assert not isinstance(refused.value, MailRefusedError)


@pytest.mark.parametrize("address", ["rita@example.com", '"rita, the one"@example.com', "jürgen@example.com"])
async def test_an_address_that_the_server_repeats_is_not_told(server: MailServer, address: str) -> None:
    server.to_recipients.append(f"550 5.1.1 <{address}>: no such user here")
    with pytest.raises(MailRefusedError) as refused:
        await send(server.url, MAIL._replace(recipient=address))
    assert str(refused.value) == "the mail server refuses this address: 550 5.1.1 <***>: no such user here"


async def test_a_refusal_for_now_is_not_final(server: MailServer) -> None:
    server.to_recipients.append("450 4.2.1 Mailbox busy")
    with pytest.raises(MailError, match="450") as refused:
        await send(server.url)
    assert not isinstance(refused.value, MailRefusedError)


async def test_what_the_server_says_is_one_short_line(server: MailServer) -> None:
    server.to_recipients.append("550 5.1.1 " + "x" * 400)
    with pytest.raises(MailRefusedError) as refused:
        await send(server.url)
    assert len(str(refused.value)) < 400
    assert str(refused.value).isprintable()


async def test_a_connection_lost_before_the_server_agrees_to_the_text_is_certainly_no_mail(server: MailServer) -> None:
    server.to_commands.append(CUT)
    with pytest.raises(MailError, match="hung up") as lost:
        await send(server.url)
    assert (type(lost.value), lost.value.was_counted, server.got) == (MailError, True, [])


@pytest.mark.parametrize("answer", ["451 4.3.0 Try again", "554 5.7.1 Not now"])
async def test_a_server_that_wants_no_text_at_all_says_nothing_about_this_text(server: MailServer, answer: str) -> None:
    server.to_commands.append(answer)
    with pytest.raises(MailError, match=answer[:3]) as refused:
        await send(server.url)
    assert (type(refused.value), refused.value.was_counted) == (MailError, True)


async def test_an_address_can_be_refused_as_late_as_before_the_text(server: MailServer) -> None:
    server.to_commands.append("550 5.1.1 No such user")
    with pytest.raises(MailRefusedError):
        await send(server.url)


async def test_a_connection_lost_after_the_text_leaves_it_open_whether_it_arrived(server: MailServer) -> None:
    server.to_texts.append(CUT)
    with pytest.raises(NoAnswerError):
        await send(server.url)


async def test_a_server_that_is_slow_after_the_text_leaves_it_open_whether_it_arrived(
    server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail_client, "TAKEN_WITHIN", 0.1)
    held = Held()
    server.to_texts.append(held)
    with pytest.raises(NoAnswerError):
        await send(server.url)
    held.free.set()


async def test_a_server_that_never_speaks_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail_client, "ADDRESSED_WITHIN", 0.1)
    silent = socket.create_server(("127.0.0.1", 0))  # takes connections, and never reads them
    with silent, pytest.raises(MailError, match="does not answer in time"):
        await send(f"smtp://127.0.0.1:{silent.getsockname()[1]}")


async def test_no_server_is_a_trouble_that_may_end() -> None:
    with pytest.raises(MailError, match=r"no mail can be sent|no connection"):
        await send("smtp://127.0.0.1:1")


async def test_a_connection_that_the_server_closed_meanwhile_is_replaced(server: MailServer) -> None:
    client = SmtpClient(parse_smtp_url(server.url), SENDER)
    await client.send(MAIL, nothing)
    client._kept[0].connection.transport.abort()  # type: ignore[union-attr]
    await client.send(MAIL, nothing)
    await client.close()
    assert (len(server.got), server.connections) == (2, 2)


# ---- addresses


@pytest.mark.parametrize("address", ['"john doe"@example.com', "o'hara+x@example.com", '"a>, <b"@example.com'])
async def test_odd_addresses_arrive_as_they_are(server: MailServer, address: str) -> None:
    await send(server.url, MAIL._replace(recipient=address))
    assert server.recipients == [address]


async def test_an_address_in_another_alphabet_needs_smtputf8() -> None:
    async with open_mail_server(utf8=True) as able, open_mail_server(utf8=False) as unable:
        await send(able.url, MAIL._replace(recipient="jürgen@xn--strae-oqa.de"))
        with pytest.raises(MailRefusedError, match="no SMTPUTF8"):
            await send(unable.url, MAIL._replace(recipient="jürgen@xn--strae-oqa.de"))
    assert (able.recipients, unable.got) == (["jürgen@xn--strae-oqa.de"], [])
