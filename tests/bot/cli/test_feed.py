"""`countersign feed`: operators see how far the feed is, and send events again."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from store.feed.lanes import TAKEN_AT_PRECISION
from tests.bot.terminal import Terminal, make_terminal
from tests.rules.world import DAY, SENTA
from tests.scheduler.callbacks.receiver import Receiver
from tests.scheduler.feed.stations import PAUSE, SECRET, Station, open_station, refuses, sequences
from tests.store.world import open_world


@pytest.fixture
def terminal(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Terminal:
    return make_terminal(tmp_path, database_url, monkeypatch, capsys)


@pytest.fixture
async def station(database_url: str, receiver: Receiver) -> AsyncIterator[Station]:
    async with open_world(database_url) as world, open_station(world, receiver.url()) as started:
        yield started


async def test_a_feed_that_never_ran_says_how_to_turn_it_on(station: Station, terminal: Terminal) -> None:
    assert station.outcomes == []
    off = "the feed has never run; COUNTERSIGN_FEED_URL or COUNTERSIGN_FEED_FILE turns it on"
    assert terminal("feed", "status").out == f"{off}\n"
    assert terminal("feed", "replay", "pkg_1").line == f"countersign: {off}"


async def test_the_status_says_that_nothing_waits(station: Station, terminal: Terminal) -> None:
    await station.world.submit()
    await station.send()
    first, second = terminal("feed", "status").out.splitlines()
    assert first == "webhook: nothing waits"
    assert second.startswith("  since 2026-11-20T11:55Z, last taken ")


async def test_the_status_says_what_waits_since_when_and_why(
    station: Station, receiver: Receiver, terminal: Terminal
) -> None:
    refuses(receiver, "", status=503)
    await station.world.submit_and_approve(by=SENTA)
    await station.world.submit()
    await station.send()
    lines = terminal("feed", "status").out.splitlines()
    assert lines[0] == "webhook: 6 waiting, the oldest from 2026-11-20T12:00Z"
    assert lines[2].startswith("  fails since ")
    assert lines[2].endswith(": answered 503")
    (document,) = json.loads(terminal("feed", "status", "--json").out)
    assert (document["feed"], document["behind"], document["last_error"]) == ("webhook", 6, "answered 503")


async def test_all_events_since_a_time_are_sent_again(station: Station, receiver: Receiver, terminal: Terminal) -> None:
    early = await station.world.submit()
    await station.send()
    station.world.clock.passes(DAY)
    late = await station.world.submit_and_approve(by=SENTA)
    await station.send()
    receiver.got.clear()
    result = terminal("feed", "replay", "--since", "2026-11-21")
    assert result.out == "events to be sent again to the webhook: 3\n"
    await station.send()
    assert sequences(receiver, late.decision_package_id) == [1, 2, 3]
    assert sequences(receiver, early.decision_package_id) == []


async def test_one_chain_is_sent_again_and_its_lost_events_are_no_longer_listed(
    station: Station, receiver: Receiver, terminal: Terminal
) -> None:
    state = await station.world.submit()
    refused = refuses(receiver, state.decision_package_id, status=413)
    await station.give_up(PAUSE)
    lines = terminal("feed", "status").out.splitlines()
    assert lines[2] == "  given up: 1; `countersign feed replay ID` sends them again"
    assert lines[3].startswith(f"  {state.decision_package_id} event 1, ")
    refused.clear()
    assert terminal("feed", "replay", state.decision_package_id).out.endswith("webhook: 1\n")
    receiver.got.clear()
    await station.send()
    assert sequences(receiver, state.decision_package_id) == [1]
    assert "given up" not in terminal("feed", "status").out


async def test_the_chain_of_the_installation_is_sent_again_by_its_id(
    station: Station, receiver: Receiver, terminal: Terminal
) -> None:
    await station.send()
    receiver.got.clear()
    terminal("feed", "replay", station.world.tenant_id, "--to", "webhook")
    await station.send()
    assert sequences(receiver, station.world.tenant_id) == [1, 2]


@pytest.mark.parametrize("arguments", [(), ("pkg_1", "--since", "2026-11-21")])
def test_replay_wants_a_time_or_a_chain(terminal: Terminal, arguments: tuple[str, ...]) -> None:
    result = terminal("feed", "replay", *arguments)
    assert (result.code, "give --since TIME, or the id of one chain" in result.err) == (2, True)


async def test_an_unknown_chain_has_no_events(station: Station, terminal: Terminal) -> None:
    await station.send()
    assert terminal("feed", "replay", "pkg_unknown").out == "no such events\n"


async def held_chain(station: Station, receiver: Receiver) -> str:
    """A package whose first event is refused, while others are taken."""
    state = await station.world.submit_and_approve(by=SENTA)
    refuses(receiver, f'"{state.decision_package_id}","sequence":"0000000001"', status=413)
    await station.send()
    await station.world.submit()
    await station.later(2 * TAKEN_AT_PRECISION)
    await station.later(PAUSE + timedelta(seconds=1))
    return state.decision_package_id


async def test_a_chain_whose_next_event_is_refused_is_named_and_can_skip_it(
    station: Station, receiver: Receiver, terminal: Terminal
) -> None:
    package_id = await held_chain(station, receiver)
    lines = terminal("feed", "status").out.splitlines()
    assert lines[2] == "  refused, and tried again: 1; `countersign feed skip ID` gives up the event"
    assert lines[3].startswith(f"  {package_id} event 1, refused 1 times, again 20")
    assert lines[3].endswith("Z: answered 413")
    (document,) = json.loads(terminal("feed", "status", "--json").out)
    assert [(chain["chain_id"], chain["revision"]) for chain in document["held_chains"]] == [(package_id, 1)]
    assert terminal("feed", "skip", package_id).out == "skipped for the webhook\n"
    await station.send()
    assert sequences(receiver, package_id)[-2:] == [2, 3]
    lines = terminal("feed", "status").out.splitlines()
    assert lines[0] == "webhook: nothing waits"
    assert lines[3].endswith(": answered 413; skipped by an operator")


async def test_an_event_that_no_receiver_refuses_cannot_be_skipped(station: Station, terminal: Terminal) -> None:
    state = await station.world.submit()
    await station.send()
    assert terminal("feed", "skip", state.decision_package_id).line == (
        f"countersign: no receiver refuses an event of {state.decision_package_id};"
        " `countersign feed status` shows what is refused"
    )


async def test_the_status_counts_what_no_process_has_seen_because_none_runs(
    station: Station, terminal: Terminal
) -> None:
    await station.send()
    for _ in range(3):
        await station.world.submit()
    unseen = "3 packages or threads with events that no process has seen yet"
    assert terminal("feed", "status").out.splitlines()[0] == f"webhook: {unseen}"
    await station.send()
    assert terminal("feed", "status").out.splitlines()[0] == "webhook: nothing waits"


async def test_a_receiver_that_was_turned_off_can_be_forgotten(
    station: Station, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    await station.send()
    monkeypatch.setenv("COUNTERSIGN_FEED_URL", "https://siem.example.com/events")
    monkeypatch.setenv("COUNTERSIGN_FEED_SECRET", SECRET)
    still = "countersign: the settings still name the webhook; turn it off first"
    assert terminal("feed", "forget", "webhook").line == still
    monkeypatch.delenv("COUNTERSIGN_FEED_URL")
    monkeypatch.delenv("COUNTERSIGN_FEED_SECRET")
    assert terminal("feed", "forget", "webhook").out == "forgotten: the feed to the webhook\n"
    assert terminal("feed", "forget", "webhook").line == "countersign: there is no feed to the webhook"
    assert await station.positions() == {}
