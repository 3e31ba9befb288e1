"""Callbacks reach only public addresses and allowed networks, however the address is spelled."""

from __future__ import annotations

import socket
from ipaddress import ip_address, ip_network
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from bot.callbacks.client import callback_client
from bot.callbacks.guard import ForbiddenError, Gate, Network, is_allowed, why_forbidden
from rules.package.fields import Url
from scheduler.callbacks.client import UnsentError
from tests.scheduler.callbacks.receiver import Receiver
from tests.scheduler.callbacks.rounds import LOOPBACK, WITHIN

INSIDE = [
    "127.0.0.1", "127.1.2.3", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",  # noqa: S104 - nothing is bound to it
    "192.0.2.1", "198.18.0.1", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255",
    "::", "::1", "fe80::1", "fc00::1", "fd12::1", "fec0::1", "ff02::1", "2001:db8::1", "3fff::1", "2001::1", "100::1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1",
    "2002:7f00:1::", "2002:a9fe:a9fe::1", "::ffff:0:127.0.0.1", "5f00::1",
    "168.63.129.16", "::ffff:168.63.129.16", "192.0.0.192", "192.0.0.9",  # metadata services of clouds
]  # fmt: skip
OUTSIDE = ["93.184.215.14", "1.1.1.1", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101", "2002:101:101::"]

# All of them lead to this machine, if its resolver knows the spelling.
SPELLINGS = [
    "127.0.0.1", "localhost", "LOCALHOST", "localhost.", "[::1]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]",
    "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "017700000001", "127.1", "127.0.1", "0", "0.0.0.0", "[::]",  # noqa: S104 - nothing is bound to it
    "127.0.0.1.", "foo.localhost", "localhost\u3002", "foo\u3002localhost", "\uff4cocalhost", "127\u30020\uff0e0\uff611", "a.b.LOCALHOST.", "localhost%2e", "%6cocalhost", "%31%32%37.0.0.1", "[::1%25lo]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[::127.0.0.1]",
]  # fmt: skip


@pytest.mark.parametrize("address", INSIDE)
def test_an_address_that_is_not_public_is_not_allowed(address: str) -> None:
    assert not is_allowed(ip_address(address), ())


@pytest.mark.parametrize("address", OUTSIDE)
def test_a_public_address_is_allowed(address: str) -> None:
    assert is_allowed(ip_address(address), ())


@pytest.mark.parametrize(
    ("address", "network", "opened"),
    [
        ("10.1.2.3", "10.1.0.0/16", True),
        ("10.2.2.3", "10.1.0.0/16", False),
        ("::ffff:10.1.2.3", "10.1.0.0/16", True),
        ("64:ff9b::a01:203", "10.1.0.0/16", True),
        ("::1", "127.0.0.0/8", False),
        ("fd00::1", "fd00::/8", True),
        ("64:ff9b:1::1", "64:ff9b:1::/48", True),
    ],
)
def test_the_operator_can_allow_networks(address: str, network: str, opened: bool) -> None:
    assert is_allowed(ip_address(address), [ip_network(network)]) is opened


@pytest.mark.parametrize("spelling", SPELLINGS)
async def test_no_spelling_of_an_internal_address_is_called(receiver: Receiver, spelling: str) -> None:
    """At delivery: an earlier version with fewer checks may have accepted the URL."""
    async with callback_client((), within=WITHIN) as client:
        for scheme in ("http", "https"):
            with pytest.raises(UnsentError):
                await client.send(receiver.url(host=spelling, scheme=scheme), {}, b"{}")
    assert receiver.got == []


@pytest.mark.parametrize("spelling", SPELLINGS)
async def test_no_spelling_of_an_internal_address_is_accepted(spelling: str) -> None:
    """At submission: names of this machine are internal even if they do not resolve here."""
    assert await why_forbidden(f"http://{spelling}/hook", ()) is not None


@pytest.mark.parametrize("host", ["localhosts.example", "notlocalhost", "no%00name.example"])
async def test_names_that_only_resemble_localhost_are_not_internal(host: str) -> None:
    assert await why_forbidden(f"http://{host}/hook", ()) is None


@pytest.mark.parametrize("spelling", ["127.0.0.1", "localhost", "[::1]"])
async def test_an_allowed_internal_address_is_called(receiver: Receiver, spelling: str) -> None:
    async with callback_client(LOOPBACK, within=WITHIN) as client:
        assert (await client.send(receiver.url(host=spelling), {}, b"{}")).status == 200
    assert len(receiver.got) == 1


async def test_a_refused_delivery_names_the_internal_address(receiver: Receiver) -> None:
    async with callback_client((), within=WITHIN) as client:
        with pytest.raises(UnsentError) as refused:
            await client.send(receiver.url(), {}, b"{}")
    assert str(refused.value) == "leads to 127.0.0.1, which is inside; COUNTERSIGN_CALLBACK_ALLOW can name networks"


async def test_a_name_that_now_resolves_to_an_internal_address_is_not_called(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name is public when the URL is given, and internal when it is called."""
    _names(monkeypatch, {"moving.example": ["93.184.215.14"]})
    assert await why_forbidden("http://moving.example/hook", ()) is None
    _names(monkeypatch, {"moving.example": ["127.0.0.1"]})
    async with callback_client((), within=WITHIN) as client:
        with pytest.raises(UnsentError, match=r"leads to 127\.0\.0\.1"):
            await client.send(receiver.url(host="moving.example"), {}, b"{}")
    assert receiver.got == []


async def test_every_call_resolves_the_name_again(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    only: tuple[Network, ...] = (ip_network("127.0.0.1"),)
    async with callback_client(only, within=WITHIN) as client:
        _names(monkeypatch, {"moving.example": ["127.0.0.1"]})
        await client.send(receiver.url(host="moving.example"), {}, b"{}")
        _names(monkeypatch, {"moving.example": ["::1"]})
        with pytest.raises(UnsentError, match=r"leads to ::1"):
            await client.send(receiver.url(host="moving.example"), {}, b"{}")
    assert len(receiver.got) == 1


async def test_internal_addresses_of_a_name_are_skipped(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    _names(monkeypatch, {"both.example": ["::1", "127.0.0.1"]})
    assert await why_forbidden("http://both.example/", [ip_network("127.0.0.0/8")]) is not None
    async with callback_client([ip_network("127.0.0.0/8")], within=WITHIN) as client:
        await client.send(receiver.url(host="both.example"), {}, b"{}")
    assert len(receiver.got) == 1


def test_no_socket_is_created_for_an_internal_address() -> None:
    with pytest.raises(ForbiddenError):
        Gate(()).open((socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("fe80::1%1", 80, 0, 1)))


@pytest.mark.parametrize(
    "url",
    [
        "http://user@agent.example/", "http://user:word@agent.example/", "http://127.0.0.1@agent.example/",
        "http://agent.example@127.0.0.1/", "http://agent.example:0/", "http://agent.example:99999/", "http:///hook",
        "file:///etc/passwd", "gopher://agent.example/", "http://agent.example\\@127.0.0.1/", "http://①②⑦.0.0.1/",
    ],
)  # fmt: skip
def test_an_ambiguous_url_is_refused(url: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Url).validate_python(url)


def _names(monkeypatch: pytest.MonkeyPatch, known: dict[str, list[str]]) -> None:
    real = socket.getaddrinfo

    def getaddrinfo(host: Any, port: Any, *rest: Any, **more: Any) -> Any:
        return [entry for address in known.get(host, [host]) for entry in real(address, port, *rest, **more)]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
