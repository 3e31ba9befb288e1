"""Blind second looks: whose approvals are picked, who is asked, and what may be done while they look."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from rules.authority.blindness import Knows, as_proposed, knowledge
from rules.authority.looks import draw_number, is_drawn
from rules.reasons import Reason
from rules.scales import RiskLevel
from rules.state.agent_commands import ReportExecution
from rules.state.commands import (
    Approve,
    ApproveWithEdits,
    Comment,
    HumanOverrideCommand,
    Judge,
    OpenDetails,
    Reject,
    Revoke,
    Verdict,
)
from rules.state.events import EventType
from rules.state.model import PackageState, Status
from rules.state.service_commands import EndLook
from rules.state.situation import Traces
from rules.verbs.timers import next_due
from tests.rules.world import (
    AGENT,
    ALL,
    CRITICAL,
    DAY,
    DORA,
    HARD,
    NOW,
    OWEN,
    RITA,
    ROSE,
    SENTA,
    SOFT,
    SUSI,
    SVEN,
    after,
    approved_state,
    ask,
    claimed_state,
    opened_state,
    people,
    policy,
    refusal,
    reported_state,
    submitted_state,
    transition_of,
)

ALWAYS = policy(audit={"sample": dict.fromkeys(("low", "medium", "high", "critical"), 1)})
NEVER = policy()
SAID = {"verdict": "unsound", "comment": "The recipient is wrong."}


def picked_state(**bearing: Any) -> PackageState:
    state = approved_state(policy=ALWAYS, **bearing)
    assert state.open_look is not None
    return state


def judge_of(state: PackageState) -> str:
    assert state.look is not None
    return state.look.judge


def events_of(state: PackageState, command: Any, by: str, **bearing: Any) -> list[EventType]:
    return [event.event_type for event in transition_of(state, command, by, **bearing).occurrences]


# What is picked.


def test_without_a_share_for_its_tier_no_approval_is_drawn() -> None:
    state = approved_state(policy=policy(audit={"sample": {"low": 1, "medium": 1, "critical": 1}}))
    assert (state.audit_rate, state.look, state.sampled) == (None, None, False)


def test_an_approval_keeps_the_rate_at_which_it_was_drawn_also_if_it_was_not_picked() -> None:
    rare = policy(audit={"sample": {"high": 1e-12}})
    state = approved_state(policy=rare)
    assert (state.audit_rate, state.look) == (1e-12, None)


def test_the_draw_follows_from_the_id_of_the_event_that_recorded_the_decision() -> None:
    half = policy(audit={"sample": {"high": 0.5}})
    state = submitted_state(HARD)
    for number in range(40):
        approved = after(state, ask(Approve, state), by=SENTA, policy=half, fresh_id=f"{number:06d}")
        assert approved.decision is not None
        assert (approved.look is not None) is is_drawn(approved.decision.event_id, 0.5)


def test_draws_are_spread_evenly() -> None:
    numbers = [draw_number(f"evt_{number}") for number in range(4000)]
    tenths = Counter(int(number * 10) for number in numbers)
    assert len(tenths) == 10
    assert min(tenths.values()) > 320


@pytest.mark.parametrize(
    "command", [(Reject, {}), (HumanOverrideCommand, {"override_decision": "stop"})], ids=["reject", "override"]
)
def test_what_lets_nothing_go_ahead_is_not_drawn(command: tuple[type[Any], dict[str, Any]]) -> None:
    (verb, fields), state = command, submitted_state(HARD)
    assert after(state, ask(verb, state, **fields), by=SENTA, policy=ALWAYS).audit_rate is None


def test_an_override_that_lets_the_agent_go_ahead_is_drawn_as_an_approval_is() -> None:
    state = submitted_state(HARD)
    overridden = after(state, ask(HumanOverrideCommand, state), by=SENTA, policy=ALWAYS)
    assert (overridden.status, overridden.audit_rate, overridden.sampled) == (Status.OVERRIDDEN, 1, True)
    assert overridden.open_look is not None
    assert overridden.open_look.of == (SENTA,)
    assert judge_of(overridden) != SENTA
    assert knowledge(overridden, judge_of(overridden)) is knowledge(overridden, None) is Knows.PROPOSAL
    assert as_proposed(overridden).status is Status.PENDING
    judged = after(overridden, ask(Judge, overridden, **SAID), by=judge_of(overridden))
    assert (judged.verdict, judged.status, judged.open_look) == (Verdict.UNSOUND, Status.OVERRIDDEN, None)


def test_an_edit_that_needs_no_second_person_is_an_approval_by_people() -> None:
    alone = policy(separation={"second_pair_of_eyes": False}, audit={"sample": {"high": 1}})
    state = submitted_state(HARD)
    assert after(state, ask(ApproveWithEdits, state), by=SENTA, policy=alone, package=HARD).look is not None


def test_a_revocation_draws_nothing_again() -> None:
    state = picked_state()
    revoked = events_of(state, ask(Revoke, state), SVEN if judge_of(state) != SVEN else SUSI, policy=ALWAYS)
    assert revoked == [EventType.PACKAGE_REVOKED]


# Who is asked.


def test_the_judge_could_have_approved_it_and_has_had_no_part_in_it() -> None:
    state = submitted_state(HARD)
    judges = {
        judge_of(after(state, ask(Approve, state), by=SENTA, policy=ALWAYS, fresh_id=f"{number:06d}"))
        for number in range(60)
    }
    assert judges == {SVEN, SUSI, "USAUL", "USILA", DORA}
    assert judges.isdisjoint({SENTA, RITA, ROSE, OWEN})


def test_nobody_who_voted_on_it_judges_it() -> None:
    state = opened_state(submitted_state(CRITICAL), SUSI, "USAUL")
    state = after(state, ask(Approve, state), by=SUSI, policy=ALWAYS)
    approved = after(state, ask(Approve, state), by="USAUL", policy=ALWAYS)
    assert approved.status is Status.APPROVED
    assert judge_of(approved) in {"USILA", DORA, SENTA, SVEN} - {SUSI, "USAUL"}
    assert approved.look is not None
    assert set(approved.look.of) == {SUSI, "USAUL"}


@pytest.mark.parametrize("reason", ["involved", "looking"])
def test_who_had_a_part_in_it_or_looks_at_another_package_is_not_asked(reason: str) -> None:
    others = ALL - {SVEN}
    state = picked_state(traces=Traces(**{reason: others}))
    assert judge_of(state) == SVEN


def test_who_is_away_is_not_asked() -> None:
    away = people(**{who: {"away_until": NOW + DAY} for who in ALL - {SVEN, SENTA}})
    assert judge_of(picked_state(people=away)) == SVEN


def test_if_nobody_can_be_asked_the_record_says_so() -> None:
    state = submitted_state(HARD)
    events = events_of(state, ask(Approve, state), SENTA, policy=ALWAYS, traces=Traces(involved=ALL))
    assert events[-2:] == [EventType.PACKAGE_APPROVED, EventType.REVIEW_NOT_POSSIBLE]


# What happens while someone looks.


def test_the_judge_needs_a_sentence() -> None:
    state = picked_state()
    assert refusal(state, ask(Judge, state, verdict="sound", comment=None), judge_of(state)) is Reason.COMMENT_REQUIRED


@pytest.mark.parametrize("verdict", Verdict)
def test_the_verdict_takes_nothing_back(verdict: Verdict) -> None:
    state = picked_state()
    judged = after(state, ask(Judge, state, **SAID | {"verdict": verdict}), by=judge_of(state))
    assert (judged.verdict, judged.status, judged.lapses_at) == (verdict, Status.APPROVED, state.lapses_at)
    assert judged.open_look is None


def test_nobody_else_can_judge_it_or_learn_that_somebody_does() -> None:
    state = picked_state()
    judged = after(state, ask(Judge, state, **SAID), by=judge_of(state))
    for other in ALL - {judge_of(state), RITA, "UROSS"}:
        for known in (state, judged):
            assert refusal(known, ask(Judge, known, **SAID), other) is Reason.NOT_SAMPLED


@pytest.mark.parametrize("verb", [Approve, Reject, Comment, Revoke])
def test_every_other_command_of_the_judge_gets_the_same_answer(verb: type[Any]) -> None:
    """Each other refusal would say how it was decided, and by whom."""
    state = picked_state()
    assert refusal(state, ask(verb, state), judge_of(state)) is Reason.ASKED_TO_LOOK


def test_the_judge_may_read_it() -> None:
    state = picked_state()
    assert judge_of(state) in {seen.reviewer_id for seen in opened_state(state, judge_of(state)).details}


def test_others_go_on_as_if_there_were_no_look() -> None:
    state = claimed_state(picked_state())
    assert reported_state(state).open_look is not None


@pytest.mark.parametrize("outcome", ["failed", "rolled_back"])
def test_a_look_ends_when_the_action_fails_because_people_have_to_know(outcome: str) -> None:
    state = reported_state(claimed_state(picked_state()), outcome)
    assert state.open_look is None
    assert refusal(state, ask(Judge, state, **SAID), judge_of(state)) is Reason.LOOK_HAS_ENDED


def test_a_look_that_nobody_gives_ends_by_itself() -> None:
    state = picked_state()
    end = NOW + timedelta(days=3)
    assert state.look is not None
    assert state.look.until == end
    claimed = reported_state(claimed_state(state))
    assert next_due(claimed) == (end, EndLook.verb)
    assert refusal(claimed, ask(EndLook, claimed), now=end - timedelta(seconds=1)) is Reason.NOT_DUE
    ended = after(claimed, ask(EndLook, claimed), now=end)
    assert (ended.open_look, ended.status, next_due(ended)) == (None, Status.APPROVED, None)
    assert refusal(ended, ask(Judge, ended, **SAID), judge_of(ended), now=end) is Reason.LOOK_HAS_ENDED


# What it does to the agent's autonomy.


def test_an_unsound_verdict_counts_as_a_failure_of_the_agent_and_a_sound_one_as_nothing_more() -> None:
    state = picked_state()
    unsound = transition_of(state, ask(Judge, state, **SAID), judge_of(state))
    sound = transition_of(state, ask(Judge, state, **SAID | {"verdict": "sound"}), judge_of(state))
    assert unsound.profile is not None
    assert unsound.profile.recent_failures == (NOW,)
    assert sound.profile is None


def test_what_was_judged_unsound_is_no_success_and_no_second_failure() -> None:
    state = picked_state()
    judged = claimed_state(after(state, ask(Judge, state, **SAID), by=judge_of(state)))
    for outcome in ("succeeded", "failed"):
        command = ask(ReportExecution, judged, outcome=outcome)
        assert transition_of(judged, command, AGENT.actor).profile is None


# What people may know.


def test_while_a_look_is_open_its_judge_and_channels_know_the_proposal_and_others_the_decision() -> None:
    state = picked_state()
    knows = {viewer: knowledge(state, viewer) for viewer in (None, judge_of(state), SENTA, ROSE)}
    assert knows == {
        None: Knows.PROPOSAL,
        judge_of(state): Knows.PROPOSAL,
        SENTA: Knows.DECISION,
        ROSE: Knows.DECISION,
    }


def test_the_verdict_is_for_the_judge_and_those_whose_approval_it_was() -> None:
    state = picked_state()
    judged = after(state, ask(Judge, state, **SAID), by=judge_of(state))
    for viewer in (judge_of(state), SENTA):
        assert knowledge(judged, viewer) is Knows.VERDICT
    for other in (None, ROSE, OWEN, "UADAM", *(ALL - {judge_of(state), SENTA})):
        assert knowledge(judged, other) is Knows.DECISION


def test_the_proposal_is_the_same_whatever_people_did_with_it() -> None:
    """Two histories of the same proposal, and nothing in what the judge knows tells them apart."""
    first = submitted_state(SOFT, fresh_id="000001")
    quick = after(first, ask(Approve, first), by=RITA, policy=ALWAYS, fresh_id="000002")
    slow = after(first, ask(Comment, first), by="UROSS", fresh_id="000003")
    slow = opened_state(slow, "UROSS", SENTA)
    slow = after(slow, ask(OpenDetails, slow), by=SUSI)
    slow = after(slow, ask(Approve, slow), by=SENTA, policy=ALWAYS, now=NOW + DAY / 4)
    slow = claimed_state(slow, now=NOW + DAY / 3)
    known = [as_proposed(state).model_copy(update={"revision": 0}) for state in (quick, slow)]
    assert known[0] == known[1]


def test_shares_are_set_for_each_tier() -> None:
    shares = policy(audit={"sample": {"high": 0.25}}).audit.sample
    assert [shares.of(risk) for risk in RiskLevel] == [0, 0, 0.25, 0]
