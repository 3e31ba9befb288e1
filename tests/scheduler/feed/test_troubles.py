"""A receiver that is away loses nothing, and an event that it refuses holds back only its own chain."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from rules.record.evidence import TENANT
from rules.state.commands import Approve
from rules.state.model import PackageState
from scheduler.callbacks.retries import ATTEMPTS
from scheduler.feed.retries import MAX_PAUSE, PAUSES
from store.feed import feed_admin
from store.feed.feed_admin import FeedReport, LostEvent
from store.feed.lanes import TROUBLE
from tests.rules.world import DAY, SENTA, ask
from tests.scheduler.callbacks.receiver import Receiver
from tests.scheduler.feed.stations import Station, open_station, refuses, sequences

SECOND = timedelta(seconds=1)
YEAR = timedelta(days=365)
PLACE = "package_id = :package AND revision = :revision"


async def report_of(station: Station) -> FeedReport:
    (report,) = await station.world.read(feed_admin.report_feeds)
    return report


async def replay_tenant(station: Station) -> None:
    await station.replay(chain_id=station.world.tenant_id)


async def lost_events(station: Station) -> list[LostEvent]:
    return await station.world.read(lambda connection: feed_admin.list_lost_events(connection, 100))


async def test_a_receiver_that_was_away_for_days_gets_everything_in_order(station: Station, receiver: Receiver) -> None:
    refused = refuses(receiver, "")
    states = [await station.world.submit_and_approve(by=SENTA) for _ in range(5)]
    await station.send()
    for _ in range(20):
        await station.later(DAY / 4)
    assert (await report_of(station)).behind == 2 + 3 * 5
    assert await lost_events(station) == []
    refused.clear()
    receiver.got.clear()
    await station.later(DAY)
    assert [sequences(receiver, state.decision_package_id) for state in states] == [[1, 2, 3]] * 5
    report = await report_of(station)
    assert (report.behind, report.lane.failing_since, report.lane.last_error) == (0, None, None)


async def test_a_receiver_in_trouble_is_tried_with_one_event_at_a_time_and_ever_more_rarely(
    station: Station, receiver: Receiver
) -> None:
    refuses(receiver, "")
    for _ in range(10):
        await station.world.submit()
    await station.send()
    assert (await report_of(station)).lane.failures >= TROUBLE
    await station.later(PAUSES[-1] + SECOND)
    for pause in (*PAUSES[1:], PAUSES[-1], PAUSES[-1]):
        before = len(receiver.got)
        await station.later(pause / 2)
        assert len(receiver.got) == before
        await station.later(pause / 2 + SECOND)
        assert len(receiver.got) == before + 1


async def test_a_receiver_is_not_called_before_the_time_that_it_asks_for(station: Station, receiver: Receiver) -> None:
    receiver.answers(503, Retry_After="600")
    await station.send()
    await station.later(timedelta(seconds=590))
    assert len(receiver.got) == 1
    await station.later(timedelta(seconds=20))
    assert len(receiver.got) > 1


async def test_a_receiver_that_asks_for_a_day_is_tried_again_after_minutes(
    station: Station, receiver: Receiver
) -> None:
    receiver.answers(429, Retry_After="86400")
    await station.send()
    await station.later(MAX_PAUSE - SECOND)
    assert len(receiver.got) == 1
    await station.later(2 * SECOND)
    assert len(receiver.got) > 1


async def test_one_event_that_is_answered_with_retry_after_delays_only_its_own_chain(
    station: Station, receiver: Receiver
) -> None:
    await station.send()
    stuck = await station.world.submit()
    receiver.answers(413, Retry_After="86400")
    await station.send()
    for _ in range(3):
        other = await station.world.submit_and_approve(by=SENTA)
        await station.later(SECOND)
        assert sequences(receiver, other.decision_package_id) == [1, 2, 3]
    assert sequences(receiver, stuck.decision_package_id) == [1]
    await station.later(MAX_PAUSE)
    assert sequences(receiver, stuck.decision_package_id) == [1, 1]


async def test_one_event_that_fails_is_no_trouble_of_the_receiver(station: Station, receiver: Receiver) -> None:
    await station.send()
    stuck = await station.world.submit()
    refuses(receiver, stuck.decision_package_id)
    await station.send()
    assert not (await report_of(station)).is_in_trouble
    await station.world.submit()
    await station.send()
    report = await report_of(station)
    assert (report.behind, report.is_in_trouble) == (1, False)


async def paused_for_long(station: Station, receiver: Receiver) -> None:
    """The receiver asked for a pause, and is well since."""
    receiver.answers(503, Retry_After="86400")
    await station.send()
    await station.later(PAUSES[-1])
    assert len(receiver.got) == 1


async def test_a_replay_ends_the_pause_of_a_receiver(station: Station, receiver: Receiver) -> None:
    await paused_for_long(station, receiver)
    await replay_tenant(station)
    await station.send()
    assert sequences(receiver, station.world.tenant_id)[-2:] == [1, 2]
    assert (await report_of(station)).behind == 0


async def test_a_process_that_starts_tries_the_receiver_at_once_because_it_may_be_another(
    station: Station, receiver: Receiver
) -> None:
    await paused_for_long(station, receiver)
    async with open_station(station.world, receiver.url("/other")) as started_again:
        await started_again.later(station.ahead)
    assert sequences(receiver, station.world.tenant_id, "/other") == [1, 2]


async def test_a_probe_that_finds_nothing_to_send_ends_the_pause(station: Station, receiver: Receiver) -> None:
    refused = refuses(receiver, "")
    states = [await station.world.submit() for _ in range(3)]
    await station.send()
    assert (await report_of(station)).is_in_trouble
    await station.tamper("DELETE FROM events")
    await station.tamper("UPDATE feed_positions SET due_at = :late WHERE chain_id = :tenant", **late_tenant(station))
    refused.clear()
    await station.later(PAUSES[-1])
    for _ in states:
        await station.send()
    assert (await report_of(station)).chains == 1
    lane = (await report_of(station)).lane
    assert not lane.is_paused(station.now())


def late_tenant(station: Station) -> dict[str, Any]:
    return {"late": station.now() + timedelta(hours=1), "tenant": TENANT}


async def test_what_a_clock_that_was_wrong_has_put_off_is_sent(station: Station, receiver: Receiver) -> None:
    """The receiver's pause, the time of the last event that it took, and a chain are in a year."""
    refused = refuses(receiver, "")
    await station.later(YEAR)
    for _ in range(3):
        await station.world.submit()
        await station.send()
    assert (await report_of(station)).is_in_trouble
    refused.clear()
    await station.later(-YEAR)
    await station.send()
    assert (await report_of(station)).behind == 0
    taken_at = (await report_of(station)).lane.taken_at
    assert taken_at
    assert taken_at <= station.now()


async def test_an_event_sent_again_does_not_hide_that_an_older_one_waits(station: Station, receiver: Receiver) -> None:
    world = station.world
    refuses(receiver, "")
    state = await world.submit()
    await station.send()
    before = await report_of(station)
    world.clock.passes(DAY)
    since = world.clock()
    await world.after(ask(Approve, state), SENTA)
    await station.replay(since=since)
    assert (await report_of(station)).behind_since == before.behind_since


async def test_an_event_that_is_refused_holds_back_only_its_own_chain(station: Station, receiver: Receiver) -> None:
    stuck = await station.world.submit_and_approve(by=SENTA)
    refuses(receiver, stuck.decision_package_id)
    await station.send()
    for _ in range(3):
        other = await station.world.submit_and_approve(by=SENTA)
        await station.later(PAUSES[0] + SECOND)
        assert sequences(receiver, other.decision_package_id) == [1, 2, 3]
    assert set(sequences(receiver, stuck.decision_package_id)) == {1}


async def test_an_event_is_given_up_after_three_days_of_refusals_and_its_chain_goes_on(
    station: Station, receiver: Receiver
) -> None:
    stuck = await station.world.submit_and_approve(by=SENTA)
    refused = refuses(receiver, f'"{stuck.decision_package_id}","sequence":"0000000001"', status=422)
    await station.give_up(PAUSES[0])
    assert [(event.chain_id, event.revision) for event in await lost_events(station)] == [
        (stuck.decision_package_id, 1)
    ]
    (lost,) = await lost_events(station)
    assert lost.error == f"answered 422; given up after {ATTEMPTS} attempts"
    places = sequences(receiver, stuck.decision_package_id)
    assert (places[-2:], set(places[:-2])) == ([2, 3], {1})
    assert (await report_of(station)).lost == 1
    assert station.outcomes.count("dead") == 1
    refused.clear()


async def test_events_that_are_sent_again_have_the_same_ids_and_no_event_is_lost_any_more(
    station: Station, receiver: Receiver
) -> None:
    state = await station.world.submit_and_approve(by=SENTA)
    await station.send()
    first = [got.id for got in receiver.got]
    receiver.got.clear()
    since = station.world.clock()
    await station.replay(since=since)
    await station.send()
    assert sorted(got.id for got in receiver.got) == sorted(first)
    assert sequences(receiver, state.decision_package_id) == [1, 2, 3]


async def test_an_event_that_was_deleted_from_the_database_leaves_a_gap_and_stops_nothing(
    station: Station, receiver: Receiver
) -> None:
    world = station.world
    state = await world.submit()
    await station.send()
    await world.after(ask(Approve, state), SENTA)
    await station.tamper(f"DELETE FROM events WHERE {PLACE}", package=state.decision_package_id, revision=2)
    await station.send()
    assert sequences(receiver, state.decision_package_id) == [1, 3]
    assert (await report_of(station)).behind == 0


CHANGES = {
    "no JSON": "'not an event'",
    "NaN": "replace(body, '0.95', 'NaN')",
    "another person": "replace(body, 'UOWEN', 'UEVIL')",
    "another type": "replace(body, 'submitted', 'commented')",
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
async def test_an_event_that_was_changed_is_sent_as_unreadable_with_an_id_of_its_own(
    station: Station, receiver: Receiver, change: str
) -> None:
    states = [await station.world.submit() for _ in range(2)]
    digests = [(await station.chain(state.decision_package_id))[0]["digest"] for state in states]
    await station.tamper(f"UPDATE events SET body = {change}")
    await station.send()
    changed = [got.payload for got in receiver.got if got.payload["subject"] != station.world.tenant_id]
    assert {event["type"] for event in changed} == {"countersign.unreadable"}
    assert len({event["id"] for event in changed}.difference(digests)) == 2


async def test_an_event_that_was_copied_to_another_place_is_sent_as_unreadable(
    station: Station, receiver: Receiver
) -> None:
    """With the id of the first, a receiver would drop it."""
    state = await station.world.submit_and_approve(by=SENTA)
    await station.tamper("UPDATE events SET body = (SELECT min(body) FROM events)")
    await station.send()
    types = [got.payload["type"] for got in receiver.got if got.payload["subject"] == state.decision_package_id]
    assert types.count("countersign.unreadable") == 2
    assert len(set(receiver.ids())) == len(receiver.got)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_an_event_that_is_no_text_stops_nothing(station: Station, receiver: Receiver) -> None:
    state = await station.world.submit_and_approve(by=SENTA)
    change = f"UPDATE events SET body = CAST(x'7bff7d' AS TEXT) WHERE {PLACE}"
    await station.tamper(change, package=state.decision_package_id, revision=1)
    await station.send()
    assert sequences(receiver, state.decision_package_id) == [1, 2, 3]
    assert [got.payload["data"]["body"] for got in receiver.got if "unreadable" in got.payload["type"]] == ["{\\xff}"]


async def test_an_event_that_is_unreadable_is_sent_whole(station: Station, receiver: Receiver) -> None:
    state = await station.world.submit()
    change = f"UPDATE events SET body = 'not an event' WHERE {PLACE}"
    await station.tamper(change, package=state.decision_package_id, revision=1)
    await station.send()
    (got,) = [got.payload for got in receiver.got if got.payload["subject"] == state.decision_package_id]
    assert (got["type"], got["sequence"]) == ("countersign.unreadable", "0000000001")
    assert got["data"] == {
        "kind": "unreadable",
        "decision_package_id": state.decision_package_id,
        "body": "not an event",
    }


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_row_that_cannot_be_read_holds_its_chain_which_is_named(station: Station, receiver: Receiver) -> None:
    refused = refuses(receiver, "")
    state = await station.world.submit()
    await station.send()
    await station.tamper(f"UPDATE events SET occurred_at = 'never' WHERE {PLACE}", **first_of(state))
    refused.clear()
    await station.later(PAUSES[-1])
    (held,) = await station.world.read(lambda connection: feed_admin.list_held_chains(connection, 100))
    assert (held.chain_id, held.revision, held.attempts) == (state.decision_package_id, 1, 1)
    assert "cannot be read from the database: " in (held.error or "")
    assert (await report_of(station)).behind_since == station.world.clock()


def first_of(state: PackageState) -> dict[str, Any]:
    return {"package": state.decision_package_id, "revision": 1}
