"""Every event of every chain is sent, in order for each chain, as a signed CloudEvent that can be verified."""

from __future__ import annotations

import asyncio
import threading
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest
import rfc8785
from sqlalchemy import Connection

from rules.package.model import DecisionPackage
from rules.state.commands import Approve, Comment, Reject
from scheduler.feed.discovery import OVERLAP
from scheduler.feed.sender import MAX_EVENTS
from store.commands.execute import execute
from store.commands.invocation import Invocation
from store.feed.chains import Page
from store.feed.lanes import BEFORE
from store.installation.tenancy import set_frozen
from tests.rules.world import RITA, SENTA, ask, package
from tests.scheduler.callbacks.receiver import Receiver
from tests.scheduler.feed.stations import SECRET, Station, open_station, sequences
from tests.store.world import submission

SECOND = timedelta(seconds=1)


async def test_all_events_of_packages_and_of_the_tenant_arrive_in_order(station: Station, receiver: Receiver) -> None:
    world = station.world
    approved = await world.submit_and_approve(by=SENTA)
    rejected = await world.after(ask(Reject, await world.submit(), comment="No."), SENTA)
    await world.write(lambda connection: set_frozen(connection, frozen=True, actor="operator", now=world.clock()))
    await station.send()
    for state in (approved, rejected):
        chain = await station.chain(state.decision_package_id)
        assert sequences(receiver, state.decision_package_id) == [event["revision"] for event in chain]
    frozen = [got.payload for got in receiver.got if got.payload["type"] == "countersign.tenant.frozen"]
    assert [event["subject"] for event in frozen] == [world.tenant_id]
    assert len(set(receiver.ids())) == len(receiver.got)
    await station.send()
    assert len(set(receiver.ids())) == len(receiver.got)


async def test_an_event_is_a_cloud_event_in_structured_mode_signed_like_a_callback(
    station: Station, receiver: Receiver
) -> None:
    state = await station.world.submit()
    await station.send()
    (got,) = [got for got in receiver.got if got.payload["type"] == "countersign.package.submitted"]
    event = got.verify(SECRET)
    assert got.headers["Content-Type"] == "application/cloudevents+json"
    assert event.pop("data") == (await station.chain(state.decision_package_id))[0]
    assert event == {
        "specversion": "1.0",
        "id": got.id,
        "source": f"urn:countersign:{station.world.tenant_id}",
        "type": "countersign.package.submitted",
        "subject": state.decision_package_id,
        "sequence": "0000000001",
        "time": event["time"],
        "datacontenttype": "application/json",
    }


async def test_a_receiver_can_verify_each_chain_by_itself(station: Station, receiver: Receiver) -> None:
    state = await station.world.submit_and_approve(by=SENTA)
    await station.send()
    previous = None
    for event in [got.payload for got in receiver.got if got.payload["subject"] == state.decision_package_id]:
        digest = sha256(rfc8785.dumps({name: value for name, value in event["data"].items() if name != "digest"}))
        assert event["id"] == event["data"]["digest"] == f"sha256:{digest.hexdigest()}"
        assert event["data"]["previous"] == previous
        previous = event["id"]
    assert previous


MARKER, TYPE = "zzsecretzz", "zztype.read"
FREE: dict[str, Any] = {
    "title": MARKER,
    "rationale": MARKER,
    "proposed_action": MARKER,
    "action_type": TYPE,
    "action_parameters": {MARKER: MARKER},
    "subject_type": MARKER,
    "subject_id": MARKER,
    "subject_url": f"https://example.com/{MARKER}",
    "evidence_refs": [{"id": MARKER, "title": MARKER, "url": f"https://example.com/{MARKER}", "excerpt": MARKER}],
    "known_uncertainties": [MARKER],
    "alternatives": [MARKER],
    "policy_basis": [MARKER],
    "dissent": [{"by": MARKER, "position": MARKER, "reason": MARKER}],
    "material_change": MARKER,
    "side_effect_preview": {MARKER: MARKER},
    "consequence": MARKER,
    "downstream_impact": MARKER,
    "rollback_plan": MARKER,
    "data_classes": [MARKER],
    "run_id": MARKER,
    "thread_id": MARKER,
    "checkpoint_id": MARKER,
    "idempotency_key": MARKER,
    "metadata": {MARKER: MARKER},
    "takeover": {
        "summary": MARKER,
        "stopping_reason": MARKER,
        "work_completed": [MARKER],
        "current_state": MARKER,
        "next_steps": [MARKER],
    },
}
NOT_FREE = {  # numbers, times, and words from a list; the address of a callback is of the service's own table
    *("kind", "risk_level", "confidence", "reversibility", "cost", "recommendation", "interrupt_type"),
    *("requested_by", "on_behalf_of"),  # members, agents and addresses that the directory knows
    *("allowed_decisions", "free_answer", "parameters_schema", "expires_at", "callback_url"),
}
OF_QUESTIONS = {"answers", "response_schema"}


def test_every_field_in_which_an_agent_writes_is_tried() -> None:
    assert FREE.keys() | NOT_FREE | OF_QUESTIONS == DecisionPackage.model_fields.keys()


async def test_of_what_an_agent_or_a_person_wrote_the_feed_holds_only_the_ids_that_the_agent_chose(
    station: Station, receiver: Receiver
) -> None:
    world = station.world
    state = await world.submit(package(**FREE))
    await world.submit(
        package(kind="question", action_parameters=None, thread_id=MARKER, answers=[MARKER, f"{MARKER}2"])
    )
    await world.after(ask(Comment, state, comment=MARKER), RITA)
    await world.after(ask(Reject, await world.state(state.decision_package_id), comment=MARKER), SENTA)
    await station.send()
    assert len(receiver.got) > 4
    assert {name for got in receiver.got for name in names_of(got.payload, MARKER)} == {"run_id", "thread_id"}
    assert {name for got in receiver.got for name in names_of(got.payload, TYPE)} == {"action_type", "because"}


def names_of(value: Any, words: str, name: str = "") -> set[str]:
    """The names in a document whose values, or which themselves, contain these words."""
    match value:
        case dict():
            parts = [*((key, key) for key in value), *value.items()]
        case list():
            parts = [(name, part) for part in value]
        case _:
            return {name} if words in str(value) else set()
    return {inner for key, part in parts for inner in names_of(part, words, key)}


async def test_a_long_chain_is_sent_whole(station: Station, receiver: Receiver) -> None:
    world, count = station.world, 2 * MAX_EVENTS + 3
    state = await world.submit()
    for number in range(count):
        await world.after(ask(Comment, await world.state(state.decision_package_id), comment=f"{number}"), RITA)
    await station.send()
    assert sequences(receiver, state.decision_package_id) == list(range(1, count + 2))


# ---- where the feed begins


async def test_events_from_before_the_feed_are_not_sent_but_later_ones_of_the_same_package_are(
    database_url: str, station: Station, receiver: Receiver
) -> None:
    world = station.world
    state = await world.submit()
    world.clock.passes(BEFORE + SECOND)
    await station.send()
    assert receiver.got == []
    await world.after(ask(Approve, state), SENTA)
    await station.send()
    chain = await station.chain(state.decision_package_id)
    later = [event["revision"] for event in chain if event["event_type"] != "package.submitted"]
    assert sequences(receiver, state.decision_package_id) == later


async def test_events_of_the_last_minutes_are_sent_by_a_new_feed_because_clocks_differ(
    station: Station, receiver: Receiver
) -> None:
    world = station.world
    state = await world.submit()
    world.clock.passes(BEFORE)
    await station.send()
    assert sequences(receiver, state.decision_package_id) == [1]
    assert sequences(receiver, world.tenant_id) == [1, 2]


async def test_a_feed_that_was_off_continues_where_it_stopped(station: Station, receiver: Receiver) -> None:
    world = station.world
    await station.send()
    receiver.got.clear()
    state = await world.submit_and_approve(by=SENTA)
    world.clock.passes(timedelta(days=30))
    async with open_station(world, receiver.url()) as started_again:
        await started_again.send()
    assert sequences(receiver, state.decision_package_id) == list(
        range(1, len(await station.chain(state.decision_package_id)) + 1)
    )


# ---- nothing is skipped


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_an_event_that_is_committed_after_later_ones_is_sent(station: Station, receiver: Receiver) -> None:
    """Its transaction took its time, and others that began later have been committed and sent meanwhile."""
    world, written, may_commit = station.world, threading.Event(), threading.Event()
    await station.send()
    late = submission(package_id="pkg_late")
    invocation = Invocation(
        command=late, now=world.clock(), actor=world.agent.actor, agent_id=world.agent.agent_id, chance=0.5
    )

    def slow(connection: Connection) -> None:
        execute(connection, world.store.installation, invocation)
        written.set()
        assert may_commit.wait(30)

    committing = asyncio.create_task(world.write(slow))
    assert await asyncio.to_thread(written.wait, 30)
    world.clock.passes(OVERLAP + SECOND)
    other = await world.submit_and_approve(by=SENTA)
    await station.send()
    assert sequences(receiver, other.decision_package_id) == [1, 2, 3]
    assert sequences(receiver, "pkg_late") == []
    may_commit.set()
    await committing
    world.clock.passes(OVERLAP + SECOND)
    await station.send()
    assert sequences(receiver, "pkg_late") == [1]
    assert sequences(receiver, other.decision_package_id) == [1, 2, 3]


async def test_more_recent_events_than_one_look_takes_are_found_by_the_next(
    station: Station, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scheduler.feed.discovery.PAGE", 3)
    monkeypatch.setattr("store.feed.chains.list_round", lambda *_: Page([], None))
    states = [await station.world.submit() for _ in range(10)]
    for _ in range(4):
        await station.send()
        station.world.clock.passes(SECOND)
    assert [sequences(receiver, state.decision_package_id) for state in states] == [[1]] * 10


async def test_the_round_reaches_every_chain_however_many_there_are(
    station: Station, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scheduler.feed.discovery.PAGE", 3)
    world = station.world
    await station.send()
    states = [await world.submit() for _ in range(10)]
    world.clock.passes(2 * OVERLAP)
    for _ in range(5):
        await station.send()
    assert {state.decision_package_id: sequences(receiver, state.decision_package_id) for state in states} == {
        state.decision_package_id: [1] for state in states
    }
