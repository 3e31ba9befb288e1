"""Verification: an untouched record has no faults, and every change is found."""

from __future__ import annotations

import copy
import tracemalloc
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from rules.canonical import leaves
from rules.record.chain import content_digest
from rules.record.evidence import TENANT, StoredWords, parse_strict_json
from rules.record.verify import Auditor, SeenIds
from rules.state import commands
from tests.rules.record.record import (
    SALT,
    Life,
    Record,
    faults_of,
    find_faults,
    original,
    own_events,
    reseal,
    sentences,
)
from tests.rules.world import (
    HARD,
    NOW,
    SENTA,
)


@pytest.fixture
def record() -> Record:
    return copy.deepcopy(original())


# The untouched record.


def test_an_untouched_record_is_clean(record: Record) -> None:
    assert sentences(record) == []


def test_the_auditor_counts_what_it_checked(record: Record) -> None:
    auditor = Auditor("T1")
    assert list(find_faults(record, auditor)) == []
    counted = auditor.counts
    assert (counted.tenant_events, counted.packages) == (3, 5)
    assert counted.events == sum(len(trail.events) for trail in record.trails)
    assert counted.contents == sum(len(trail.contents) for trail in record.trails) > 10


@given(later=st.timedeltas(timedelta(0), timedelta(days=30_000)))
def test_an_event_and_its_state_write_every_moment_alike(later: timedelta) -> None:
    life = Life("pkg_a", HARD).then(commands.Comment, SENTA, now=NOW + later)
    assert list(Auditor("T1").check_package(life.trail)) == []


def test_erased_texts_do_not_break_the_chain(record: Record) -> None:
    for trail in record.trails:
        trail.contents[:] = [StoredWords(kept.event_id, None, None) for kept in trail.contents]
    assert sentences(record) == []


def test_a_field_that_a_later_release_added_is_accepted(record: Record) -> None:
    trail = record.trails[0]
    first = trail.events[0]
    for field in ("verdict", "put_off"):
        del first["change"][field]
    del first["change"]["terms"]["reminders"]
    assert trail.claim is not None
    trail.claim.state["terms"]["reminders"] = []  # type: ignore[index]  # the claim has a state
    reseal(trail)
    assert [str(fault) for fault in Auditor("T1").check_package(trail)] == []


# Any change.


JSON_LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**60), 2**60), st.floats(allow_nan=True), st.text(max_size=8)
)


def places(value: Any) -> list[list[str | int]]:
    """The path of every scalar in the value."""
    if not isinstance(value, dict | list):
        return [[]]
    steps: Iterable[tuple[str | int, Any]] = value.items() if isinstance(value, dict) else enumerate(value)
    return [[step, *place] for step, item in steps for place in places(item)]


def replace_at(value: Any, place: list[str | int], new: Any) -> bool:
    """Replace the value at the place, and return whether it was different."""
    *way, last = place
    for step in way:
        value = value[step]
    old, value[last] = value[last], new
    return bool(old != new)


def documents(record: Record) -> list[Any]:
    """All documents of the record whose leaves can be changed in place."""
    events = [event for trail in record.trails for event in trail.events]
    states = [trail.claim.state for trail in record.trails if trail.claim]
    words = [kept.words for trail in record.trails for kept in trail.contents]
    return record.own + events + states + words


@given(data=st.data(), new=JSON_LEAVES)
def test_any_leaf_that_is_changed_is_found(data: st.DataObject, new: Any) -> None:
    record = copy.deepcopy(original())
    document = data.draw(st.sampled_from(documents(record)))
    place = data.draw(st.sampled_from(places(document)))
    assume(replace_at(document, place, new))
    assert faults_of(record)


@pytest.mark.slow
@given(data=st.data(), new=JSON_LEAVES | st.dictionaries(st.text(max_size=3), JSON_LEAVES) | st.lists(JSON_LEAVES))
def test_any_replaced_or_extended_event_is_found(data: st.DataObject, new: Any) -> None:
    record = copy.deepcopy(original())
    events = data.draw(st.sampled_from([record.own, *(trail.events for trail in record.trails)]))
    at = data.draw(st.integers(0, len(events) - 1))
    member = data.draw(st.none() | st.sampled_from(sorted(events[at])) | st.text(max_size=5))
    if member is None:
        events[at] = new
    else:
        assume(member not in events[at] or events[at][member] != new)
        events[at][member] = new
    assert faults_of(record)


@given(data=st.data())
def test_dropped_doubled_swapped_or_moved_events_are_found(data: st.DataObject) -> None:
    record = copy.deepcopy(original())
    chains = [record.own, *(trail.events for trail in record.trails)]
    events, others = data.draw(st.sampled_from(chains)), data.draw(st.sampled_from(chains))
    at, to = data.draw(st.integers(0, len(events) - 1)), data.draw(st.integers(0, len(others)))
    what = data.draw(st.sampled_from(["drop", "double", "swap", "move", "cut"]))
    before = copy.deepcopy(chains)
    match what:
        case "drop":
            del events[at]
        case "double":
            others.insert(to, copy.deepcopy(events[at]))
        case "swap":
            events[at], events[at - 1] = events[at - 1], events[at]
        case "move":
            others.insert(min(to, len(others)), events.pop(at))
        case _:
            del events[at:]
    assume(chains != before)
    assert faults_of(record)


@given(data=st.data(), other=st.sampled_from(["T2", ""]))
def test_no_event_of_another_tenant_passes(data: st.DataObject, other: str) -> None:
    record = copy.deepcopy(original())
    trail = data.draw(st.sampled_from(record.trails))
    assert {fault.package_id for fault in faults_of(record, tenant_id=other)} == {
        TENANT,
        *(other_trail.package_id for other_trail in record.trails),
    }
    assert "belongs to another tenant, T1" in str(next(Auditor(other).check_package(trail)))


@given(data=st.data())
def test_dropped_doubled_exchanged_or_half_erased_texts_are_found(data: st.DataObject) -> None:
    record = copy.deepcopy(original())
    trail = data.draw(st.sampled_from(record.trails))
    at = data.draw(st.integers(0, len(trail.contents) - 1))
    kept = trail.contents[at]
    done = {
        "dropped": [],
        "doubled": [kept, kept],
        "of nothing": [kept, StoredWords("evt_of_nothing", SALT, {"comment": "?"})],
        "without salt": [kept._replace(salt=None)],
        "other salt": [kept._replace(salt=SALT + "0")],
        "a salt that is no text": [kept._replace(salt=1)],
        "salt left": [kept._replace(words=None)],
        "no words": [kept._replace(words={})],
    }
    trail.contents[at : at + 1] = done[data.draw(st.sampled_from(sorted(done)))]
    assert [fault for fault in faults_of(record) if fault.package_id == trail.package_id]


# How the check works.


def test_the_digest_of_words_depends_on_their_salt() -> None:
    assert content_digest({"comment": "no"}, "a") != content_digest({"comment": "no"}, "b")


@pytest.mark.parametrize("text", ['{"a": 1, "a": 2}', '{"b": {"a": 1, "a": 1}}', "[" * 100_000, "{", ""])
def test_ambiguous_json_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        parse_strict_json(text)


@given(names=st.lists(st.text(max_size=3), max_size=3000))
def test_the_set_of_seen_ids_contains_what_was_added_and_nothing_else(names: list[str]) -> None:
    seen, known = SeenIds(), set[str]()
    for name in names:
        assert (name in seen) == (name in known)
        assert seen.add(name) == (name not in known)
        known.add(name)


def test_verification_keeps_very_little_memory_per_event() -> None:
    auditor, own = Auditor("T1"), own_events(5_000)
    tracemalloc.start()
    assert [fault for event in own for fault in auditor.check_tenant_event(event)] == []
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 40 * len(own)


def test_a_state_contains_no_texts_of_people(record: Record) -> None:
    texts = {leaf for kept in record.trails[0].contents for _, leaf in leaves(kept.words) if isinstance(leaf, str)}
    sentences_said = {leaf for leaf in texts if " " in leaf}
    written = {leaf for event in record.trails[0].events for _, leaf in leaves(event) if isinstance(leaf, str)}
    assert sentences_said
    assert not sentences_said & written
