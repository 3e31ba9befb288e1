"""A package is laxer, stricter or the same under another policy, and its events say what came of it."""

from __future__ import annotations

from typing import Any

import pytest

from rules.oversight.comparison import Asking, Comparison, Involvement, Shift, Trace, compare_answers, trace_in
from rules.oversight.replay import Answer, Obstacle, Replay
from rules.package.model import DecisionPackage
from rules.policy.model import Policy
from rules.reasons import Reason
from rules.record.chain import Event
from rules.state.model import PackageState
from tests.rules.world import ADAM, AUTOMATIC, CRITICAL, HARD, POLICY, SOFT, TAKEOVER, policy, submitted_state


def answered(package: DecisionPackage, other: Policy) -> Answer:
    return Answer(submitted_state(package, policy=other))


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


def test_a_refusal_is_stricter() -> None:
    refused = Answer(refused=Reason.QUALITY_GAPS)
    assert compare_answers(submitted_state(SOFT), refused, POLICY, POLICY) is Shift.STRICTER


def event(kind: str, **fields: Any) -> Event:
    given = {"event_type": kind, "actor": "USENTA", "decision": None, "outcome": None}
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
        (event("package.something_new"), None),
    ],
    ids=str,
)
def test_an_event_leaves_a_trace_if_it_went_wrong_or_a_person_stepped_in(happened: Event, expected: Trace) -> None:
    assert trace_in(happened) is expected


LAXER = policy(tiers={"medium": {"level": "notify_only"}})


def replay_of(state: PackageState) -> Replay:
    return Replay(state, answered(SOFT, LAXER))


def test_only_laxer_packages_are_followed() -> None:
    comparison = Comparison()
    comparison.add(replay_of(submitted_state(SOFT)), POLICY, LAXER)
    package_id = next(iter(comparison.suspects))
    comparison.follow("pkg_other", event("execution.failed"))
    assert (comparison.evidence, comparison.waiting) == ([], 1)
    comparison.follow(package_id, event("package.approved"))
    comparison.follow(package_id, event("execution.failed"))
    assert (comparison.waiting, [traces for _, traces in comparison.evidence]) == (0, [[Trace.FAILED]])


def test_spellings_of_a_type_are_counted_together() -> None:
    comparison = Comparison()
    for name in ("Record.Read", "record.read"):
        comparison.add_obstacle(name, Obstacle.EMPTIED)
    assert (list(comparison.types), comparison.total.packages, comparison.total.replayed) == (["record.read"], 2, 0)


def test_what_is_asked_of_nobody_names_no_role() -> None:
    assert Asking.of(Answer(submitted_state(AUTOMATIC))).role is None
    assert Asking.of(Answer(submitted_state(CRITICAL)))[2:] == ("senior_reviewer", 2)
    assert Asking.of(Answer(refused=Reason.QUALITY_GAPS)) == Asking(Involvement.REFUSED)
