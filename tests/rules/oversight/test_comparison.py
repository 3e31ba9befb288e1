"""A package is laxer, stricter or the same under another policy, and its events say what came of it."""

from __future__ import annotations

from typing import Any

import pytest

from rules.oversight.aftermath import Ending, EvidenceGroup, Trace, TriedPackage, trace_in
from rules.oversight.asking import Asking, Involvement, Shift, compare_answers
from rules.oversight.comparison import Comparison
from rules.oversight.replay import Obstacle, PolicyAnswer, Replay
from rules.package.model import DecisionPackage
from rules.policy.model import Policy
from rules.reasons import Reason
from rules.record.chain import Event
from tests.rules.world import ADAM, AUTOMATIC, CRITICAL, HARD, NOW, POLICY, SOFT, TAKEOVER, policy, submitted_state


def answered(package: DecisionPackage, other: Policy) -> PolicyAnswer:
    return PolicyAnswer(submitted_state(package, policy=other))


def shift(package: DecisionPackage, **changes: Any) -> Shift:
    new = policy(**changes)
    return compare_answers(submitted_state(package), answered(package, new), POLICY, new)


@pytest.mark.parametrize(
    ("package", "changes", "expected"),
    [
        (SOFT, {}, Shift.SAME),
        (AUTOMATIC, {"tiers": {"low": {"role": "director", "quorum": 2}}}, Shift.SAME),
        (SOFT, {"tiers": {"medium": {"level": "notify_only"}}}, Shift.LAXER),
        (SOFT, {"tiers": {"medium": {"level": "hard_approval", "soft_timeout": "1s"}}}, Shift.STRICTER),
        (SOFT, {"tiers": {"medium": {"soft_timeout": "1s"}}}, Shift.LAXER),
        (SOFT, {"tiers": {"medium": {"soft_timeout": "1h"}}}, Shift.STRICTER),
        (HARD, {"tiers": {"high": {"soft_timeout": "1s", "approval_expiry": "9d", "ladder": []}}}, Shift.SAME),
        (HARD, {"tiers": {"high": {"role": "reviewer"}}, "roles": {"reviewer": {"max_risk": "high"}}}, Shift.LAXER),
        (HARD, {"tiers": {"high": {"role": "supervisor"}}}, Shift.STRICTER),
        (HARD, {"tiers": {"high": {"quorum": 2}}}, Shift.STRICTER),
        (HARD, {"tiers": {"high": {"comment_required": False}}}, Shift.LAXER),
        (HARD, {"tiers": {"high": {"details_first": True}}}, Shift.STRICTER),
        (CRITICAL, {"tiers": {"critical": {"quorum": 1, "of_role": {}}}}, Shift.LAXER),
        (CRITICAL, {"tiers": {"critical": {"of_role": {}}}}, Shift.LAXER),
        (CRITICAL, {"tiers": {"critical": {"quorum": 3, "of_role": {}}}}, Shift.LAXER),
        (TAKEOVER, {"confidence": {"takeover_below": 0.1}}, Shift.SAME),
    ],
    ids=str,
)
def test_a_shift_is_found_in_level_people_role_and_what_they_must_do(
    package: DecisionPackage, changes: dict[str, Any], expected: Shift
) -> None:
    assert shift(package, **changes) is expected


def test_another_role_of_which_neither_includes_the_other_is_neither_laxer_nor_stricter() -> None:
    legal = {"members": [ADAM], "max_risk": "high"}
    assert shift(HARD, roles={"legal": legal}, tiers={"high": {"role": "legal"}}) is Shift.OTHER
    assert shift(HARD, roles={"legal": legal}, tiers={"high": {"role": "legal", "quorum": 2}}) is Shift.OTHER


def test_a_refusal_is_stricter() -> None:
    refused = PolicyAnswer(refused=Reason.QUALITY_GAPS)
    assert compare_answers(submitted_state(SOFT), refused, POLICY, POLICY) is Shift.STRICTER


def event(kind: str, **fields: Any) -> Event:
    given: Event = {"event_type": kind, "actor": "USENTA", "decision": None, "outcome": None, "change": {}}
    return given | {"decision_package_id": "pkg_1"} | fields


@pytest.mark.parametrize(
    ("happened", "expected"),
    [
        (event("execution.failed"), Trace.FAILED),
        (event("execution.rolled_back"), Trace.ROLLED_BACK),
        (event("execution.succeeded"), None),
        (event("execution.unknown"), None),
        (event("package.revoked"), Trace.REVOKED),
        (event("package.revoked", actor="auto"), None),
        (event("review.judged", outcome="unsound"), Trace.UNSOUND),
        (event("review.judged", outcome="sound"), None),
        (event("human.decision_recorded", decision="reject"), Trace.REJECTED),
        (event("human.decision_recorded", decision="take_over"), Trace.TAKEN_OVER),
        (event("human.decision_recorded", decision="object"), Trace.OBJECTED),
        (event("human.decision_recorded", decision="approve_with_edits"), Trace.EDITED),
        (event("human.decision_recorded", decision="revise"), Trace.SENT_BACK),
        (event("human.decision_recorded", decision="request_more_evidence"), Trace.SENT_BACK),
        (event("human.decision_recorded", decision="approve"), None),
        (event("human.decision_refused", decision="reject"), None),
        (event("package.overridden", change={"decision": {"override_decision": "stop"}}), Trace.STOPPED),
        (event("package.overridden", change={"decision": {"override_decision": "proceed"}}), None),
        (event("package.cancelled"), Trace.STOPPED),
        (event("package.cancelled", actor="auto"), None),
        (event("package.cancelled", actor="agt_1"), None),
        (event("package.something_new"), None),
    ],
    ids=str,
)
def test_an_event_leaves_a_trace_if_it_went_wrong_or_a_person_stepped_in(happened: Event, expected: Trace) -> None:
    assert trace_in(happened) is expected


LAXER = policy(tiers={"medium": {"level": "notify_only"}})
LEGAL = policy(roles={"legal": {"members": [ADAM], "max_risk": "high"}}, tiers={"high": {"role": "legal"}})


def tried(package_id: str = "pkg_1", action_type: str = "record.read") -> TriedPackage:
    return TriedPackage(package_id, "evt_1", action_type, NOW)


def compared(package: DecisionPackage, new: Policy, *happened: Event, old: Policy = POLICY) -> Comparison:
    comparison = Comparison()
    replay = Replay(submitted_state(package, policy=old), answered(package, new))
    comparison.add(tried(), replay, old, new)
    for one in happened:
        comparison.follow("pkg_1", one)
    return comparison


def groups(comparison: Comparison) -> dict[EvidenceGroup, list[list[Trace]]]:
    return {
        group: [package.traces_by_gravity for package in listed]
        for group in EvidenceGroup
        if (listed := comparison.evidence(group))
    }


FAILED = event("execution.failed", change={"status": "approved", "execution": {"state": "failed"}})
REJECTED = event("human.decision_recorded", decision="reject")


def test_a_laxer_package_with_a_trace_is_evidence() -> None:
    assert groups(compared(SOFT, LAXER)) == {}
    assert groups(compared(SOFT, LAXER, FAILED)) == {EvidenceGroup.LAXER: [[Trace.FAILED]]}
    assert groups(compared(SOFT, LAXER, REJECTED)) == {EvidenceGroup.LAXER: [[Trace.REJECTED]]}


def test_a_package_of_another_role_is_evidence_like_a_laxer_one() -> None:
    assert groups(compared(HARD, LEGAL, REJECTED)) == {EvidenceGroup.LAXER: [[Trace.REJECTED]]}


def test_what_went_wrong_and_is_still_not_asked_is_evidence_of_its_own() -> None:
    assert groups(compared(SOFT, LAXER, FAILED, old=LAXER)) == {EvidenceGroup.UNASKED: [[Trace.FAILED]]}
    assert groups(compared(SOFT, POLICY, FAILED)) == {EvidenceGroup.UNASKED: [[Trace.FAILED]]}
    assert groups(compared(SOFT, POLICY, REJECTED)) == {}
    assert groups(compared(HARD, POLICY, FAILED)) == {}


def test_what_went_wrong_among_the_packages_that_are_not_replayed_is_kept() -> None:
    comparison = Comparison()
    comparison.add_obstacle(tried(), Obstacle.AUTONOMY)
    comparison.follow("pkg_1", FAILED)
    assert groups(comparison) == {EvidenceGroup.UNTRIED: [[Trace.FAILED]]}
    assert comparison.went_wrong["record.read"].not_replayable == 1


def test_what_went_wrong_is_counted_by_type_and_by_what_the_new_policy_asks() -> None:
    assert compared(SOFT, LAXER, FAILED).went_wrong["record.read"].new == {Involvement.SPARED: 1}
    assert compared(HARD, POLICY, FAILED).went_wrong["record.read"].new == {Involvement.ASKED: 1}
    assert compared(HARD, POLICY, REJECTED).went_wrong == {}


@pytest.mark.parametrize(
    ("change", "ending"),
    [
        ({}, Ending.WAITING),
        ({"status": "deferred"}, Ending.WAITING),
        ({"status": "approved"}, Ending.IDLE),
        ({"status": "approved", "execution": {"state": "claimed"}}, Ending.UNKNOWN),
        ({"status": "approved", "execution": {"state": "unknown"}}, Ending.UNKNOWN),
        ({"status": "approved", "execution": {"state": "succeeded"}}, Ending.SUCCEEDED),
        ({"status": "approved", "execution": {"state": "of another release"}}, Ending.IDLE),
        ({"status": "expired"}, Ending.ENDED),
        ({"status": "cancelled"}, Ending.ENDED),
    ],
    ids=str,
)
def test_a_laxer_package_without_a_trace_says_how_far_it_got(change: dict[str, Any], ending: Ending) -> None:
    assert compared(SOFT, LAXER, event("package.changed", change=change)).endings == {ending: 1}


def test_only_packages_of_the_period_are_followed() -> None:
    comparison = compared(SOFT, LAXER)
    comparison.follow("pkg_other", FAILED)
    assert (groups(comparison), comparison.endings) == ({}, {Ending.WAITING: 1})


def test_other_people_in_a_role_that_is_asked_are_noted() -> None:
    wider = policy(roles={"senior_reviewer": {"members": [ADAM], "max_risk": "critical"}})
    assert compared(HARD, wider).changed_roles == {"senior_reviewer": 1}
    assert compared(HARD, policy(roles={"legal": {"members": [ADAM]}})).changed_roles == {}
    assert compared(AUTOMATIC, wider).changed_roles == {}


@pytest.mark.parametrize("name", ["comment_required", "details_first"])
def test_what_a_shift_compares_is_in_the_asking(name: str) -> None:
    other = policy(tiers={"high": {name: not getattr(POLICY.tiers.high, name)}})
    [(then, new)] = compared(HARD, other).moves
    assert then != new


def test_spellings_of_a_type_are_counted_together() -> None:
    comparison = Comparison()
    for name in ("Record.Read", "record.read"):
        comparison.add_obstacle(tried(name, name), Obstacle.EMPTIED)
    assert (list(comparison.types), comparison.total.packages, comparison.total.replayed) == (["record.read"], 2, 0)


def test_what_is_asked_of_nobody_names_no_role() -> None:
    assert Asking.of(PolicyAnswer(submitted_state(AUTOMATIC))).role is None
    assert Asking.of(PolicyAnswer(submitted_state(CRITICAL)))[2:5] == ("senior_reviewer", 2, (("supervisor", 1),))
    assert Asking.of(PolicyAnswer(refused=Reason.QUALITY_GAPS)) == Asking(Involvement.REFUSED)
