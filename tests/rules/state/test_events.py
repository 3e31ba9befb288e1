"""The names of event types and causes: their grammar, and an event for each state."""

from __future__ import annotations

import re

import pytest

from rules.people.directory import AgentStanding
from rules.state.decisions import ExecutionState
from rules.state.events import Cause, EventType, TenantEventType
from rules.state.model import Status

NAMES = [*EventType, *TenantEventType]


@pytest.mark.parametrize("name", NAMES)
def test_an_event_type_is_a_subject_of_one_word_a_dot_and_what_happened(name: EventType | TenantEventType) -> None:
    assert re.fullmatch(r"[a-z]+\.[a-z]+(_[a-z]+)*", name.value)
    assert name.name == name.value.upper().replace(".", "_")


@pytest.mark.parametrize("cause", Cause)
def test_a_cause_is_lower_case_words_with_hyphens(cause: Cause) -> None:
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", cause.value)
    assert cause.name == cause.value.upper().replace("-", "_")


def test_no_name_belongs_to_both_chains() -> None:
    assert len(set(NAMES)) == len(NAMES)


def test_each_status_of_a_package_has_an_event() -> None:
    assert {EventType.of("package", status) for status in Status} <= set(EventType)


def test_each_state_of_an_execution_has_an_event_but_the_one_before_it_begins() -> None:
    states = set(ExecutionState) - {ExecutionState.NONE}
    assert {EventType.of("execution", state) for state in states} <= set(EventType)


def test_each_standing_of_an_agent_has_an_event() -> None:
    assert {TenantEventType.of("agent", standing) for standing in AgentStanding} <= set(TenantEventType)


def test_a_cause_about_an_event_names_the_event_after_it() -> None:
    assert Cause.VOTE_NO_LONGER_COUNTS.of_event("evt_1") == "vote-no-longer-counts evt_1"
