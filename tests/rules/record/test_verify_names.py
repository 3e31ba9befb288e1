"""Each kind of change to a record has its own fault."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from rules.record.chain import seal_event
from rules.record.evidence import Fault, Trail
from rules.record.verify import Auditor
from tests.rules.record.record import Record, faults_of, original, reseal, sentences


@pytest.fixture
def record() -> Record:
    return copy.deepcopy(original())


def test_a_changed_event_is_reported_and_its_successors_are_not(record: Record) -> None:
    event = record.trails[0].events[1]
    event["actor"] = "USOMEBODY"
    assert sentences(record) == [
        f"pkg_a revision 2 ({event['event_id']}): it was changed: its digest is not that of its content"
    ]


def test_a_changed_event_with_a_new_digest_no_longer_fits_its_successor(record: Record) -> None:
    trail = record.trails[0]
    trail.events[1] = seal_event(trail.events[1] | {"actor": "USOMEBODY"}, trail.events[0]["digest"])
    after = trail.events[2]
    assert [(fault.revision, fault.event_id) for fault in faults_of(record)] == [(3, after["event_id"])]
    assert "does not follow the event before it" in sentences(record)[0]


def test_a_removed_event_is_reported_by_its_revision(record: Record) -> None:
    del record.trails[2].events[2]
    assert next(fault.sentence for fault in faults_of(record)) == "revision 3 is missing before it"


def test_a_cut_tail_is_reported_with_all_missing_revisions(record: Record) -> None:
    trail = record.trails[0]
    length = len(trail.events)
    del trail.events[-2:]
    faults = [fault for fault in faults_of(record) if "tail" in fault.sentence]
    assert [str(fault) for fault in faults] == [
        f"pkg_a revision {length - 2}: its tail was cut: revision {length - 1} to {length} should follow"
    ]


def test_a_tail_that_was_cut_and_replaced_is_found_by_the_head(record: Record) -> None:
    trail = record.trails[0]
    claim = trail.claim
    trail.events[-1]["actor"] = "USOMEBODY"
    reseal(trail, len(trail.events) - 1)
    trail.claim = claim
    assert [fault.sentence for fault in faults_of(record)] == [
        "its last event is not the one that is named as its head"
    ]


def test_a_package_without_events_and_events_without_a_package_are_faults(record: Record) -> None:
    record.trails[0].events.clear()
    record.trails[0].contents.clear()
    record.trails[1].claim = None
    assert sentences(record) == [
        "pkg_a: it has a state, and no events: its record is missing",
        "pkg_b: it has a record, and no state: its row is missing",
    ]


def test_a_forged_state_is_reported_with_its_fields(record: Record) -> None:
    claim = record.trails[1].claim
    assert claim is not None
    assert claim.state is not None
    claim.state.update(status="approved", level="full_auto")
    assert [fault.sentence for fault in faults_of(record)] == [
        "the state that is kept is not what its events come to: level, status"
    ]


def faults_after_forgery(record: Record, at: int, event_type: str | None = None, **change: Any) -> list[str]:
    """The faults of the first package after an event, the chain after it and the row were forged."""
    trail = record.trails[0]
    trail.events[at]["change"] |= change
    trail.events[at]["event_type"] = event_type or trail.events[at]["event_type"]
    assert trail.claim is not None
    state: dict[str, Any] = {}
    for event in trail.events:
        state |= event["change"]
    trail.claim = trail.claim._replace(state=state)
    reseal(trail, at)
    return [fault.sentence for fault in Auditor("T1").check_package(trail)]


def test_an_impossible_status_change_is_found_even_if_the_whole_chain_was_rewritten(record: Record) -> None:
    assert faults_after_forgery(record, 1, status="consented", event_type="package.consented")[0] == (
        "no command changes a package from consented to approved"
    )


@pytest.mark.parametrize("status", [None, [], {}, 1, "aproved"])
def test_an_unknown_status_is_found(record: Record, status: Any) -> None:
    assert any(
        "no command changes" in sentence or "begins" in sentence
        for sentence in faults_after_forgery(record, 1, status=status)
    )


def test_an_event_must_be_named_after_the_status_to_which_it_leads(record: Record) -> None:
    assert (
        faults_after_forgery(record, 1, status="rejected")[0]
        == "it leads from pending to rejected, and is named human.commented"
    )


def test_a_package_begins_by_being_submitted(record: Record) -> None:
    assert faults_after_forgery(record, 0, status="approved")[0].startswith(
        "a package begins with package.submitted and as pending"
    )


def test_a_package_is_submitted_once(record: Record) -> None:
    assert faults_after_forgery(record, 1, "package.submitted")[0].startswith("a package begins with package.submitted")


def test_the_fields_of_an_event_must_match_the_package(record: Record) -> None:
    assert faults_after_forgery(record, 1, action_digest="sha256:0") == [
        "it says one thing of itself and another of the package: action_digest",
    ] * (len(record.trails[0].events) - 1)


def test_a_package_stays_with_its_agent(record: Record) -> None:
    assert faults_after_forgery(record, 1, agent_id="agt_2") == ["it changes what never changes: agent_id"]


def test_an_event_id_in_two_packages_is_found(record: Record) -> None:
    first, second = record.trails[0], record.trails[1]
    first.events[1]["event_id"] = second.events[0]["event_id"]
    first.contents.pop(1)
    first.events[1]["content"] = None
    reseal(first, 1)
    assert [str(fault) for fault in faults_of(record)] == [
        f"pkg_b revision 1 ({second.events[0]['event_id']}): its event id stands in the record twice"
    ]


def test_the_tenants_chain_is_verified_likewise(record: Record) -> None:
    del record.own[1]
    assert sentences(record) == ["tenant revision 3 (evt_own3): revision 2 is missing before it"]


def test_the_tenants_chain_must_reach_its_head(record: Record) -> None:
    record.own.pop()
    assert sentences(record) == ["tenant revision 2: its tail was cut: revision 3 should follow"]


def test_faults_noticed_by_the_reader_are_reported() -> None:
    noticed = Fault("pkg_x", 1, None, "its row is odd")
    assert noticed in list(Auditor("T1").check_package(Trail("pkg_x", noticed=[noticed])))
