"""Whoever is asked for a blind look and cannot judge any more gives it back, and someone else is drawn."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rules.authority.blindness import Knows, events_for_agent, hides_event, knowledge
from rules.reasons import Reason
from rules.record.chain import package_event, seal_event
from rules.state.commands import Judge
from rules.state.events import Cause, EventType
from rules.state.model import PackageState
from rules.state.service_commands import HandOnLook
from rules.state.situation import Traces
from tests.rules.verbs.test_looks import ALWAYS, SAID, judge_of, picked_state
from tests.rules.world import ALL, DAY, NOW, after, ask, people, policy, refusal, transition_of

LATER = NOW + DAY


def without_seniors(*users: str) -> Any:
    """The policy without these people in any role."""
    roles = {
        name: {"members": [user for user in role.members if user not in users]} for name, role in ALWAYS.roles.items()
    }
    return policy(audit={"sample": {"high": 1}}, roles=roles)


GONE: dict[str, Any] = {
    "deactivated": lambda judge: {"people": people(**{judge: {"active": False}}), "policy": ALWAYS},
    "away": lambda judge: {"people": people(**{judge: {"away_until": LATER + DAY}}), "policy": ALWAYS},
    "without the role": lambda judge: {"policy": without_seniors(judge)},
}


@pytest.mark.parametrize("gone", GONE.values(), ids=GONE)
def test_a_judge_who_leaves_gives_the_look_back_and_another_is_drawn(gone: Any) -> None:
    state = picked_state()
    first = judge_of(state)
    handed = after(state, ask(HandOnLook, state), now=LATER, **gone(first))
    assert handed.open_look is not None
    assert handed.open_look.judge in ALL - {first}
    assert (handed.open_look.former, handed.open_look.until) == ((first,), LATER + 3 * DAY)
    assert state.look is not None
    assert (handed.open_look.of, handed.open_look.since) == (state.look.of, state.look.since)
    assert refusal(handed, ask(Judge, handed, **SAID), first) is Reason.NOT_SAMPLED
    assert after(handed, ask(Judge, handed, **SAID), by=handed.open_look.judge).verdict is not None


def test_a_judge_who_is_there_keeps_the_look() -> None:
    state = picked_state()
    assert refusal(state, ask(HandOnLook, state), policy=ALWAYS) is Reason.NOT_DUE


def test_with_a_stale_directory_nobody_is_known_to_be_gone() -> None:
    state = picked_state()
    gone = people(**{judge_of(state): {"active": False}})
    stale: dict[str, Any] = {"people": gone, "policy": ALWAYS, "now": LATER, "directory_as_of": NOW - 99 * DAY}
    assert refusal(state, ask(HandOnLook, state), **stale) is Reason.NOT_DUE


def test_nobody_who_was_asked_before_is_asked_again() -> None:
    state, asked = picked_state(), []
    while state.open_look is not None:
        asked.append(judge_of(state))
        gone = people(**{asked[-1]: {"active": False}})
        state = after(state, ask(HandOnLook, state), people=gone, policy=ALWAYS)
    assert len(asked) == len({*asked}) == 5


def test_if_nobody_is_left_the_look_ends_and_the_card_says_again_how_it_was_decided() -> None:
    state = picked_state()
    bearing: dict[str, Any] = {"people": people(**{judge_of(state): {"active": False}}), "policy": ALWAYS}
    transition = transition_of(state, ask(HandOnLook, state), traces=Traces(involved=frozenset(ALL)), **bearing)
    (event,) = transition.occurrences
    assert (event.event_type, event.reason) == (EventType.REVIEW_ENDED, Cause.NOBODY_LEFT)
    assert transition.after.open_look is None
    assert knowledge(transition.after, None) is Knows.DECISION


def handed_on() -> tuple[PackageState, PackageState]:
    state = picked_state()
    gone = people(**{judge_of(state): {"active": False}})
    return state, after(state, ask(HandOnLook, state), people=gone, policy=ALWAYS)


def test_neither_the_agent_nor_others_learn_who_was_asked() -> None:
    state, handed = handed_on()
    first = judge_of(state)
    gone = people(**{first: {"active": False}})
    (occurrence,) = transition_of(state, ask(HandOnLook, state), people=gone, policy=ALWAYS).occurrences
    event = seal_event(package_event(occurrence, state, "salt"), "sha256:the event before")
    shown = json.dumps(events_for_agent([event], handed))
    assert not [user for user in ALL if user in shown]
    for judge in (first, judge_of(handed)):
        assert hides_event(handed, EventType.PACKAGE_DETAILS_OPENED, judge, LATER, None)


def test_the_new_judge_knows_the_proposal_alone() -> None:
    _, handed = handed_on()
    assert knowledge(handed, judge_of(handed)) is Knows.PROPOSAL
