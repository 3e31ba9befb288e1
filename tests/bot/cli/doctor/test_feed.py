"""The doctor posts a test event to the feed's webhook, opens its file, and says what to do."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.cli.doctor.findings import Finding
from playground.slack import Slack
from tests.bot.cli.doctor.setup import faults_found, healthy_terminal, only_fault, run_doctor, workspace
from tests.bot.terminal import Terminal
from tests.scheduler.callbacks.receiver import Receiver
from tests.scheduler.feed.stations import SECRET, open_station, refuses
from tests.store.world import open_world


@pytest.fixture
async def slack() -> AsyncIterator[Slack]:
    async with workspace() as slack:
        yield slack


@pytest.fixture
def terminal(  # noqa: PLR0917 - its fixtures
    database_url: str,
    receiver: Receiver,
    slack: Slack,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Terminal:
    """A terminal whose setup is healthy, with a feed to the receiver."""
    healthy = healthy_terminal(database_url, slack, tmp_path, monkeypatch, capsys)
    monkeypatch.setenv("COUNTERSIGN_FEED_URL", receiver.url("/events?token=t0ken"))
    monkeypatch.setenv("COUNTERSIGN_FEED_SECRET", SECRET)
    monkeypatch.setenv("COUNTERSIGN_FEED_ALLOW", "127.0.0.0/8")
    return healthy


async def test_a_receiver_gets_one_signed_test_event(terminal: Terminal, receiver: Receiver) -> None:
    result = await run_doctor(terminal)
    (got,) = receiver.got
    event = got.verify(SECRET)
    assert (event["type"], event["data"], got.id) == ("countersign.feed.test", {}, event["id"])
    subject = f"operators' feed to http://127.0.0.1:{receiver.port}, with a test event"
    assert f"ok     {subject}" in result.out.splitlines()
    assert "t0ken" not in result.out


@pytest.mark.parametrize(
    ("status", "fix"),
    [
        (401, "give the receiver the same COUNTERSIGN_FEED_SECRET"),
        (500, "check COUNTERSIGN_FEED_URL, and that the receiver answers 2xx to a signed CloudEvent"),
    ],
)
async def test_a_receiver_that_refuses_is_a_fault(
    terminal: Terminal, receiver: Receiver, status: int, fix: str
) -> None:
    receiver.answers(status, path="/events")
    fault = await only_fault(terminal)
    subject = f"operators' feed to http://127.0.0.1:{receiver.port}, with a test event"
    assert fault == (f"{subject}: answered {status}", fix)


async def test_an_inner_receiver_whose_network_is_not_named_is_a_fault(
    terminal: Terminal, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COUNTERSIGN_FEED_ALLOW", "")
    _, fix = await only_fault(terminal)
    assert fix == "if the receiver is in your network, name the network in COUNTERSIGN_FEED_ALLOW, such as 10.1.0.0/16"
    assert receiver.got == []


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
async def test_http_on_this_machine_is_no_warning(
    terminal: Terminal, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    monkeypatch.setenv("COUNTERSIGN_FEED_ALLOW", "127.0.0.0/8, ::1/128")
    monkeypatch.setenv("COUNTERSIGN_FEED_URL", receiver.url("/events", host=host))
    assert "warn" not in (await run_doctor(terminal)).out


async def test_http_to_another_machine_is_a_warning_that_says_what_to_do(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COUNTERSIGN_FEED_URL", "http://siem.invalid/events?token=t0ken")
    result = await run_doctor(terminal)
    warning = (
        "warn   operators' feed to http://siem.invalid: over http:// others on the way can read the events, and can answer"
        " in the receiver's place\nfix:   use an https:// address in COUNTERSIGN_FEED_URL\n"
    )
    assert warning in result.out
    assert "t0ken" not in result.out


async def test_a_warning_alone_is_no_fault() -> None:
    exposed = Finding("operators' feed", warning="others can read it", fix="use https")
    assert exposed.lines() == ["warn   operators' feed: others can read it", "fix:   use https"]


async def test_a_file_is_not_created_because_the_doctor_may_be_another_user(
    terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "feed.jsonl"
    monkeypatch.setenv("COUNTERSIGN_FEED_FILE", str(path))
    result = await run_doctor(terminal)
    assert f"ok     operators' feed to {path}" in result.out.splitlines()
    assert "feed.jsonl" not in names_in(tmp_path)


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


async def test_the_trouble_that_the_service_meets_is_a_fault(
    database_url: str, terminal: Terminal, receiver: Receiver
) -> None:
    async with open_world(database_url) as world, open_station(world, receiver.url()) as station:
        refuses(receiver, "")
        for _ in range(3):
            await world.submit()
        await station.send()
    subject = "operators' feed to the webhook, as the service sees it: fails since "
    ((fault, fix),) = [fault for fault in await faults_found(terminal) if fault[0].startswith(subject)]
    assert fault.endswith(": answered 500")
    assert fix == "correct that; nothing is lost, and the events follow"


async def test_a_file_that_cannot_be_opened_is_a_fault(
    terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "missing" / "feed.jsonl"
    monkeypatch.setenv("COUNTERSIGN_FEED_FILE", str(path))
    assert await only_fault(terminal) == (
        f"operators' feed to {path}: No such file or directory",
        "let the service write there, or name another file",
    )
