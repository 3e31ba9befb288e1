"""How a blind second look ends: for good, whatever becomes of the package, and without a word to its agent."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from rules.authority.blindness import Knows, events_for_agent, hides_event, knowledge
from rules.people.directory import Actor, ActorKind
from rules.reasons import Reason
from rules.record.chain import package_event, seal_event
from rules.state.agent_commands import ClaimExecution, ReportExecution
from rules.state.commands import AllowRetry, Approve, ApproveWithEdits, Judge, OpenForm, Revoke
from rules.state.decisions import BlindLook
from rules.state.events import Cause, EventType
from rules.state.model import PackageState, Status
from rules.state.service_commands import (
    CancelWithThread,
    EndLook,
    HoldWithThread,
    Lapse,
    LoseTrack,
    ResumeWithThread,
    RevokeWithThread,
    ThreadConsequence,
)
from rules.state.transition import Transition
from rules.verbs.timers import next_due
from tests.rules.verbs.test_looks import ALWAYS, SAID, judge_of, picked_state
from tests.rules.world import (
    AGENT,
    ALL,
    DAY,
    HARD,
    NOW,
    SENTA,
    SUSI,
    SVEN,
    after,
    ask,
    claimed_state,
    people,
    policy,
    refusal,
    reported_state,
    submitted_state,
    transition_of,
)


def follow(kind: type[ThreadConsequence], state: PackageState, by: str, **fields: bool) -> PackageState:
    """The state after the package followed its thread, which this person stopped."""
    command = ask(kind, state, thread_key="thr_1", thread_event_id="evt_t", since=NOW, role="reviewer", **fields)
    return after(state, command, by=Actor(kind=ActorKind.AUTO, actor_id=by))


def someone_else(state: PackageState) -> str:
    return next(user for user in (SVEN, SUSI) if user != judge_of(state))


def retried_state(state: PackageState) -> PackageState:
    """A failed package whose retry a person allowed, and which the agent claimed again."""
    by = someone_else(state)
    seen = after(state, ask(OpenForm, state, page=1, of=1, rendering_id="rnd_1"), by=by, policy=ALWAYS)
    allowed = after(seen, ask(AllowRetry, seen), by=by, policy=ALWAYS)
    return after(allowed, ask(ClaimExecution, allowed, claim_id="clm_2"), by=AGENT.actor)


def assert_ended(state: PackageState) -> None:
    assert state.look is not None
    assert state.look.has_ended
    assert state.open_look is None
    assert knowledge(state, None) is Knows.DECISION
    assert refusal(state, ask(Judge, state, **SAID), judge_of(state)) is Reason.LOOK_HAS_ENDED


# The judge can stop the thread.


def test_a_thread_that_its_judge_holds_holds_the_package() -> None:
    state = picked_state()
    held = follow(HoldWithThread, state, judge_of(state))
    assert held.hold is not None
    assert refusal(held, ask(ClaimExecution, held), AGENT.actor) is Reason.THREAD_HELD


def test_a_thread_that_its_judge_cancels_revokes_the_approval() -> None:
    state = picked_state()
    revoked = follow(RevokeWithThread, state, judge_of(state), for_good=True)
    assert revoked.status is Status.REVOKED
    assert refusal(revoked, ask(ClaimExecution, revoked), AGENT.actor) is Reason.MAY_NOT_PROCEED


def test_an_agent_that_runs_is_told_that_the_judge_cancelled_the_thread() -> None:
    state = claimed_state(picked_state())
    assert follow(CancelWithThread, state, judge_of(state)).followed == "evt_t"


# A look that has ended does not open again.


@pytest.mark.parametrize("outcome", ["failed", "rolled_back"])
def test_a_failure_ends_it(outcome: str) -> None:
    assert_ended(reported_state(claimed_state(picked_state()), outcome))


def test_a_retry_does_not_open_it_again() -> None:
    retried = retried_state(reported_state(claimed_state(picked_state()), "failed"))
    assert_ended(retried)
    reported = after(retried, ask(ReportExecution, retried, claim_id="clm_2", outcome="succeeded"), by=AGENT.actor)
    assert_ended(reported)


def test_a_success_that_is_reported_late_does_not_open_it_again() -> None:
    claimed = claimed_state(picked_state())
    unknown = after(claimed, ask(LoseTrack, claimed), now=NOW + DAY)
    assert_ended(unknown)
    assert_ended(reported_state(unknown))


def test_a_look_of_an_older_release_that_a_failure_ended_does_not_open_again() -> None:
    failed = reported_state(claimed_state(picked_state()), "failed")
    assert failed.look is not None
    before = failed.model_copy(update={"look": failed.look.model_copy(update={"has_ended": False})})
    assert before.open_look is None
    assert_ended(retried_state(before))


def test_a_hold_ends_it_and_releasing_the_hold_does_not_open_it_again() -> None:
    state = picked_state()
    held = follow(HoldWithThread, state, someone_else(state))
    assert_ended(held)
    assert_ended(follow(ResumeWithThread, held, someone_else(state)))


def test_an_approval_that_expires_unused_ends_it() -> None:
    state = picked_state()
    assert state.lapses_at is not None
    lapsed = after(state, ask(Lapse, state), now=state.lapses_at)
    assert_ended(lapsed)
    assert next_due(lapsed) is None


def test_nobody_is_asked_about_an_approval_that_is_held_from_the_start() -> None:
    held = follow(HoldWithThread, submitted_state(HARD), SENTA)
    approval = transition_of(held, ask(Approve, held), SENTA, policy=ALWAYS)
    assert approval.occurrences[-1].event_type is EventType.REVIEW_NOT_POSSIBLE


# The judge leaves.


def without_role(judge: str) -> Any:
    roles = {name: {"members": [user for user in role.members if user != judge]} for name, role in ALWAYS.roles.items()}
    return policy(audit={"sample": {"high": 1}}, roles=roles)


GONE: dict[str, Any] = {
    "deactivated": lambda judge: {"people": people(**{judge: {"active": False}}), "policy": ALWAYS},
    "away": lambda judge: {"people": people(**{judge: {"away_until": NOW + DAY}}), "policy": ALWAYS},
    "without the role": lambda judge: {"policy": without_role(judge)},
}


@pytest.mark.parametrize("gone", GONE.values(), ids=GONE)
def test_if_the_judge_leaves_it_ends_and_nobody_else_is_asked(gone: Any) -> None:
    state = picked_state()
    transition = transition_of(state, ask(EndLook, state), **gone(judge_of(state)))
    (event,) = transition.occurrences
    assert (event.event_type, event.reason) == (EventType.REVIEW_ENDED, Cause.JUDGE_LEFT)
    assert_ended(transition.after)
    assert state.look is not None
    assert transition.after.look == state.look.model_copy(update={"has_ended": True, "judge_left": True})
    for user in {SVEN, SUSI} - {judge_of(state)}:
        assert refusal(transition.after, ask(Judge, transition.after, **SAID), user) is Reason.NOT_SAMPLED


@pytest.mark.parametrize("gone", GONE.values(), ids=GONE)
def test_a_judge_who_comes_back_is_not_asked_again(gone: Any) -> None:
    state = picked_state()
    ended = after(state, ask(EndLook, state), **gone(judge_of(state)))
    assert refusal(ended, ask(Judge, ended, **SAID), judge_of(ended), policy=ALWAYS) is Reason.LOOK_HAS_ENDED
    assert next_due(ended) == next_due(state.model_copy(update={"look": None}))


def test_while_the_judge_is_there_it_does_not_end_before_its_time() -> None:
    state = picked_state()
    assert refusal(state, ask(EndLook, state), policy=ALWAYS) is Reason.NOT_DUE


def test_with_a_stale_directory_the_judge_is_not_known_to_have_left() -> None:
    state = picked_state()
    stale = GONE["deactivated"](judge_of(state)) | {"now": NOW + DAY, "directory_as_of": NOW - 99 * DAY}
    assert refusal(state, ask(EndLook, state), **stale) is Reason.NOT_DUE


def test_a_look_that_nobody_gave_in_time_does_not_say_that_the_judge_left() -> None:
    state = picked_state()
    transition = transition_of(state, ask(EndLook, state), now=NOW + timedelta(days=3))
    assert transition.occurrences[0].reason is None
    assert transition.after.look is not None
    assert not transition.after.look.judge_left


def test_a_look_that_was_stored_with_former_judges_can_be_read() -> None:
    look = picked_state().look
    assert look is not None
    assert BlindLook.model_validate_json(json.dumps(look.model_dump(mode="json") | {"former": [SVEN]})) == look


# What the agent reads.


def events_shown(state: PackageState, transition: Transition) -> str:
    events, before, previous = [], state, "sha256:the event before"
    for occurrence in transition.occurrences:
        events.append(seal_event(package_event(occurrence, before, "salt"), previous))
        before, previous = occurrence.after, events[-1]["digest"]
    return json.dumps(events_for_agent(events, transition.after))


def test_the_end_of_a_look_does_not_tell_the_agent_who_looked() -> None:
    state = reported_state(claimed_state(picked_state()))
    transition = transition_of(state, ask(EndLook, state), now=NOW + timedelta(days=3))
    assert judge_of(state) not in events_shown(state, transition)


def test_the_end_of_a_look_does_not_tell_the_agent_that_the_judge_left() -> None:
    state = picked_state()
    transition = transition_of(state, ask(EndLook, state), **GONE["away"](judge_of(state)))
    shown = events_shown(state, transition)
    assert not [word for word in (*ALL, "judge-left", "judge_left") if word in shown]


def test_a_failure_that_ends_a_look_tells_the_agent_of_the_failure_alone() -> None:
    state = claimed_state(picked_state())
    transition = transition_of(state, ask(ReportExecution, state, outcome="failed"), AGENT.actor)
    shown = events_shown(state, transition)
    assert '"state": "failed"' in shown
    assert not [user for user in ALL if user in shown]


# What the verdict and the draw depend on.


def test_a_verdict_on_what_a_reviewer_edited_is_none_on_the_agent() -> None:
    alone = policy(separation={"second_pair_of_eyes": False}, audit={"sample": {"high": 1}})
    state = submitted_state(HARD)
    edited = after(state, ask(ApproveWithEdits, state), by=SENTA, policy=alone, package=HARD)
    judged = transition_of(edited, ask(Judge, edited, **SAID), judge_of(edited))
    assert judged.profile is None
    failed = ask(ReportExecution, claimed := claimed_state(judged.after, policy=alone), outcome="failed")
    assert transition_of(claimed, failed, AGENT.actor).profile is not None


def test_the_judge_does_not_follow_from_the_id_of_the_decision_alone() -> None:
    looks = [picked_state(chance=number / 40).look for number in range(40)]
    assert len({look.judge for look in looks if look}) > 1
    assert looks[0] is not None
    assert looks[0].secret == 0


def test_what_the_judge_read_before_the_look_is_not_hidden() -> None:
    state = picked_state()
    opened = EventType.PACKAGE_DETAILS_OPENED
    before, during = NOW - timedelta(seconds=1), NOW
    assert not hides_event(state, opened, judge_of(state), before, SENTA)
    assert hides_event(state, opened, judge_of(state), during, SENTA)


def test_after_an_unsound_verdict_the_judge_may_revoke_the_approval() -> None:
    state = picked_state()
    judged = after(state, ask(Judge, state, **SAID), by=judge_of(state))
    assert knowledge(judged, judge_of(judged)) is Knows.VERDICT
    assert after(judged, ask(Revoke, judged), by=judge_of(judged)).status is Status.REVOKED
