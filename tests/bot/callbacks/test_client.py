"""The callback client with hostile receivers: every call ends soon, and its failure is described."""

from __future__ import annotations

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from bot.callbacks.client import callback_client
from scheduler.callbacks.client import Reply, UnsentError
from tests.scheduler.callbacks.receiver import Receiver, open_receiver, raw_server
from tests.scheduler.callbacks.rounds import LOOPBACK, SOON, WITHIN

BODY = b'{"type": "package.approved"}'


async def send(url: str, tls: ssl.SSLContext | None = None, within: float = WITHIN) -> Reply | str:
    """Return the reply, or why there is none. Fail if the call takes longer than it may."""
    async with callback_client(LOOPBACK, tls, within) as client, asyncio.timeout(3 * WITHIN):
        try:
            return await client.send(url, {"Content-Type": "application/json"}, BODY)
        except UnsentError as fault:
            return str(fault)


async def test_a_body_that_never_ends_is_not_read(receiver: Receiver) -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    async with raw_server(head, for_ever=chunk) as (url, hung_up):
        assert await send(url) == Reply(200)
        async with asyncio.timeout(10):
            await hung_up.wait()


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnone",
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.0 200 OK\r\n\r\n",
    ],
    ids=["too long", "no gzip", "no content", "old"],
)
async def test_headers_about_the_body_change_nothing(head: bytes) -> None:
    async with raw_server(head) as (url, _):
        reply = await send(url)
        assert isinstance(reply, Reply)
        assert reply.status in (200, 204)


@pytest.mark.parametrize(
    ("response", "because"),
    [
        (b"", "hung up before it answered"),
        (b"HTTP/1.1 200", "hung up before it answered"),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "no answer that can be read"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n", "no answer that can be read"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", "no answer that can be read"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nlonger than it says", "no answer that can be read"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nno chunk at all", "no answer that can be read"),
        (b"HTTP/1.1 200 OK\r\nA: " + b"x" * 100_000 + b"\r\n\r\n", "no answer that can be read"),
    ],
    ids=[
        "nothing",
        "half a line",
        "another protocol",
        "below nothing",
        "two lengths",
        "too much",
        "no chunk",
        "an endless line",
    ],
)
async def test_a_malformed_response_is_a_failed_attempt(response: bytes, because: str) -> None:
    async with raw_server(response) as (url, _):
        assert str(await send(url)).startswith(because)


@pytest.mark.parametrize("endless", [b"X: y\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"], ids=["headers", "a little more"])
async def test_a_head_that_never_ends_is_cut_off(endless: bytes) -> None:
    async with raw_server(b"HTTP/1.1 200 OK\r\n" if endless.startswith(b"X") else b"", for_ever=endless) as (
        url,
        hung_up,
    ):
        assert isinstance(await send(url, within=SOON), str)
        async with asyncio.timeout(10):
            await hung_up.wait()


async def test_the_client_ignores_proxies_and_netrc(
    receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("default login us password word\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    async with open_receiver() as proxy:
        for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url("/"))
        assert await send(receiver.url()) == Reply(200)
        assert proxy.got == []
    assert "Authorization" not in receiver.got[0].headers


@pytest.mark.parametrize("url", ["http://127.0.0.1:80:80/", "http://[::1/", "http://a b/", "nonsense", ""])
async def test_an_invalid_url_is_an_ordinary_failure(url: str) -> None:
    assert isinstance(await send(url), str)


async def test_an_unknown_host_is_reported_without_the_url() -> None:
    reason = str(await send("http://nobody.invalid/hook?token=secret"))
    assert reason.startswith("its name is not known")
    assert "secret" not in reason


# ---- TLS


@pytest.fixture(scope="module")
def authority() -> tuple[x509.Name, ec.EllipticCurvePrivateKey, x509.Certificate]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "An authority of the tests")])
    certificate = _certificate(name, name, key, key).add_extension(
        x509.BasicConstraints(ca=True, path_length=None), critical=True
    )
    return name, key, certificate.sign(key, hashes.SHA256())


def _certificate(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, by: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(by.public_key()), critical=False)
    )


def _server(authority: tuple[x509.Name, ec.EllipticCurvePrivateKey, x509.Certificate], name: str, folder: Path) -> str:
    """Write a file with a key, and a certificate of the authority for this name."""
    issuer, by, _ = authority
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    certificate = _certificate(subject, issuer, key, by).add_extension(
        x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False
    )
    path = folder / "server.pem"
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(secret + certificate.sign(by, hashes.SHA256()).public_bytes(Encoding.PEM))
    return str(path)


@pytest.mark.parametrize(
    ("name", "trusted", "expected"),
    [
        ("localhost", True, Reply(200)),
        ("other.example", True, "its certificate is not to be trusted, or is another host's"),
        ("localhost", False, "its certificate is not to be trusted, or is another host's"),
    ],
    ids=["its own name", "another's name", "an authority that nobody knows"],
)
async def test_a_certificate_must_be_trusted_and_match_the_host(
    authority: tuple[x509.Name, ec.EllipticCurvePrivateKey, x509.Certificate],
    tmp_path: Path,
    name: str,
    trusted: bool,
    expected: Reply | str,
) -> None:
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(_server(authority, name, tmp_path))
    client_context = ssl.create_default_context()
    if trusted:
        client_context.load_verify_locations(cadata=authority[2].public_bytes(Encoding.PEM).decode())
    async with open_receiver(server) as receiver:
        assert await send(receiver.url(host="localhost", scheme="https"), client_context) == expected
        assert len(receiver.got) == (1 if isinstance(expected, Reply) else 0)
