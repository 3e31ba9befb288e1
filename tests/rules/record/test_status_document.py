"""The status document has the shape of the contract."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rules.record.chain import rfc3339
from rules.record.status_document import status_document
from rules.state.commands import (
    Answer,
    Approve,
    Defer,
    HumanOverrideCommand,
    Reject,
    RequestMoreEvidence,
    Revise,
    Revoke,
    TakeOver,
    Withdraw,
)
from rules.state.decisions import ExecutionState
from rules.state.model import PackageState, Status
from rules.state.service_commands import Climb, Consent, Expire, Lapse
from tests.rules.world import (
    AGENT,
    AUTOMATIC,
    CRITICAL,
    DAY,
    HARD,
    HOUR,
    NOW,
    QUESTION,
    SENTA,
    SOFT,
    SUSI,
    TAKEOVER,
    after,
    approved_state,
    ask,
    claimed_state,
    opened_state,
    package,
    people,
    policy,
    reported_state,
    shown_state,
    situation,
    submitted_state,
)

# The keys of the contract, copied by hand.
KEYS = {
    "decision_package_id", "version", "tenant_id", "status", "terminal", "may_proceed", "level", "why",
    "action_digest", "interrupt", "decision", "execution", "agent_message", "run_id", "thread_id", "metadata",
}  # fmt: skip
INTERRUPT = {"interrupt_id", "status", "reason", "required_role", "quorum", "rung", "created_at", "expires_at"}
DECISION = {
    "decision", "basis", "reviewers", "comment", "instructions", "answer", "answer_data", "override", "action_parameters",
    "decided_at", "latency_ms", "package_version", "policy_version", "rendering_id",
}  # fmt: skip
OVERRIDE = {"original_recommendation", "override_decision", "override_reason", "evidence_refs"}


def by_senta(kind: type[Any]) -> PackageState:
    state = submitted_state(QUESTION if kind is Answer else HARD)
    return after(state, ask(kind, state), by=SENTA)


def consented_state() -> PackageState:
    state = shown_state(submitted_state(SOFT))
    return after(state, ask(Consent, state), now=NOW + HOUR)


def expired_state() -> PackageState:
    state = submitted_state(package(risk_level="high", expires_at=NOW + HOUR))
    return after(state, ask(Expire, state), now=NOW + HOUR)


STATES = {
    Status.PENDING: submitted_state(HARD),
    Status.REVISION_REQUESTED: by_senta(Revise),
    Status.EVIDENCE_REQUESTED: by_senta(RequestMoreEvidence),
    Status.DEFERRED: by_senta(Defer),
    Status.APPROVED: by_senta(Approve),
    Status.CONSENTED: consented_state(),
    Status.OVERRIDDEN: by_senta(HumanOverrideCommand),
    Status.REJECTED: by_senta(Reject),
    Status.TAKEN_OVER: by_senta(TakeOver),
    Status.REVOKED: after(by_senta(Approve), ask(Revoke, by_senta(Approve)), by=SENTA),
    Status.EXPIRED: expired_state(),
    Status.CANCELLED: after(submitted_state(HARD), ask(Withdraw, submitted_state(HARD)), by=AGENT.actor),
}
PENDING_OR_ESCALATED = {Status.PENDING, Status.REVISION_REQUESTED, Status.EVIDENCE_REQUESTED, Status.DEFERRED}


def document_of(state: PackageState, words: dict[str, Any] | None = None, **bearing: Any) -> dict[str, Any]:
    where = situation(now=bearing.pop("now", NOW), **bearing)
    content = package(metadata={"k": "v"}).model_dump(mode="json", exclude_unset=True)
    return status_document(state, content, words, where.roster, where.now)


def test_every_status_is_covered_by_these_tests() -> None:
    assert {status: state.status for status, state in STATES.items()} == {status: status for status in Status}


@pytest.mark.parametrize("status", Status)
def test_a_status_document_has_all_fields_of_the_contract_and_is_json(status: Status) -> None:
    document = document_of(STATES[status])
    assert document.keys() >= KEYS
    assert document["interrupt"].keys() >= INTERRUPT
    assert document["execution"].keys() >= {"state"}
    assert json.loads(json.dumps(document)) == document


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.PENDING])
def test_a_decision_has_all_fields_of_the_contract(status: Status) -> None:
    assert document_of(STATES[status])["decision"].keys() == DECISION


def test_a_pending_package_has_no_decision() -> None:
    assert document_of(STATES[Status.PENDING])["decision"] is None


@pytest.mark.parametrize("status", Status)
def test_the_document_says_whether_it_is_terminal_and_whether_the_agent_may_proceed(status: Status) -> None:
    document = document_of(STATES[status])
    assert document["status"] == status.value
    assert document["terminal"] is (status not in PENDING_OR_ESCALATED)
    assert document["may_proceed"] is (status in {Status.APPROVED, Status.CONSENTED, Status.OVERRIDDEN})


@pytest.mark.parametrize(
    ("status", "interrupt"),
    [
        (Status.PENDING, "pending"),
        (Status.DEFERRED, "pending"),
        (Status.APPROVED, "decided"),
        (Status.CONSENTED, "decided"),
        (Status.REVOKED, "decided"),
        (Status.EXPIRED, "expired"),
        (Status.CANCELLED, "cancelled"),
    ],
)
def test_the_interrupt_status_says_how_the_pause_ended(status: Status, interrupt: str) -> None:
    assert document_of(STATES[status])["interrupt"]["status"] == interrupt


@pytest.mark.parametrize("status", Status)
def test_the_message_tells_the_agent_what_to_do(status: Status) -> None:
    sentence = document_of(STATES[status])["agent_message"]
    assert sentence[0].isupper()
    assert sentence.endswith(".")


def test_each_status_has_its_own_message_except_statuses_with_the_same_permission() -> None:
    sentences = {document_of(state)["agent_message"] for state in STATES.values()}
    assert len(sentences) == len(Status) - 2


@pytest.mark.parametrize(
    ("state", "now", "words"),
    [
        pytest.param(STATES[Status.APPROVED], NOW, "Claim the execution first", id="permitted"),
        pytest.param(STATES[Status.APPROVED], NOW + 9 * DAY, "expired unused", id="too late"),
        pytest.param(after(STATES[Status.APPROVED], ask(Lapse, STATES[Status.APPROVED]), now=NOW + 2 * DAY), NOW, "expired unused", id="lapsed"),
        pytest.param(claimed_state(approved_state(HARD)), NOW, "The worker that claimed it runs it once", id="claimed"),
        pytest.param(reported_state(claimed_state(approved_state(HARD))), NOW, "is succeeded. Do not run it again", id="done"),
        pytest.param(by_senta(Answer), NOW, "does not permit", id="answered"),
        pytest.param(submitted_state(TAKEOVER), NOW, "Stop here", id="takeover asked for"),
        pytest.param(STATES[Status.TAKEN_OVER], NOW, "until it is handed back", id="taken over"),
        pytest.param(STATES[Status.EXPIRED], NOW, "nobody rejected it", id="expired"),
    ],
)  # fmt: skip
def test_the_message_follows_the_outcome(state: PackageState, now: Any, words: str) -> None:
    assert words in document_of(state, now=now)["agent_message"]


def test_an_override_that_stops_says_so() -> None:
    state = submitted_state(HARD)
    stopped = after(state, ask(HumanOverrideCommand, state, override_decision="stop"), by=SENTA)
    assert "Do not act" in document_of(stopped)["agent_message"]


# The parts.


def test_a_package_that_needed_nobody_has_no_interrupt() -> None:
    document = document_of(submitted_state(AUTOMATIC))
    assert (document["interrupt"], document["decision"]["basis"], document["may_proceed"]) == (None, "policy", True)


def test_the_reason_of_the_interrupt_is_the_strictest_reason() -> None:
    document = document_of(submitted_state(TAKEOVER))
    assert document["interrupt"]["reason"] == document["why"][0]["because"]
    assert document["why"][0].keys() == {"rule", "level", "because"}


def test_the_quorum_counts_the_people_who_have_voted_and_the_parts_they_fill() -> None:
    state = opened_state(submitted_state(CRITICAL), SUSI)
    state = after(state, ask(Approve, state), by=SUSI)
    needs = {"needed": 2, "of_role": {"supervisor": {"needed": 1, "have": 1}}}
    assert document_of(state)["interrupt"]["quorum"] == {**needs, "have": 1}


def test_the_quorum_counts_a_vote_only_as_the_rules_would() -> None:
    state = opened_state(submitted_state(CRITICAL), SUSI)
    state = after(state, ask(Approve, state), by=SUSI)
    quorum = document_of(state, people=people(USUSI={"active": False}))["interrupt"]["quorum"]
    assert quorum == {"needed": 2, "have": 0, "of_role": {"supervisor": {"needed": 1, "have": 0}}}


def test_the_quorum_is_todays_if_that_is_larger() -> None:
    strict = policy(tiers={"high": {"quorum": 3}})
    assert document_of(STATES[Status.PENDING], policy=strict)["interrupt"]["quorum"]["needed"] == 3


def test_the_reviewers_are_named() -> None:
    (reviewer,) = document_of(STATES[Status.REJECTED])["decision"]["reviewers"]
    assert reviewer == {"reviewer_id": SENTA, "name": "senta", "role": "senior_reviewer"}


def test_a_reviewer_who_left_the_directory_is_named_by_id() -> None:
    (reviewer,) = document_of(STATES[Status.REJECTED], people={})["decision"]["reviewers"]
    assert reviewer["name"] == SENTA


def test_the_document_has_the_texts_of_the_decision() -> None:
    document = document_of(STATES[Status.REVISION_REQUESTED], {"comment": "Hm.", "instructions": "Name it."})[
        "decision"
    ]
    assert (document["comment"], document["instructions"], document["answer"], document["override"]) == (
        "Hm.",
        "Name it.",
        None,
        None,
    )


def test_the_document_shows_an_override_completely() -> None:
    words = {"original_recommendation": "clarify", "override_reason": "Now.", "evidence_refs": ["ticket 7"]}
    document = document_of(STATES[Status.OVERRIDDEN], words)["decision"]["override"]
    assert document.keys() == OVERRIDE
    assert document == {**words, "override_decision": "proceed"}


def test_the_document_has_the_parameters_only_with_a_permission() -> None:
    given = [
        status for status, state in STATES.items() if (document_of(state)["decision"] or {}).get("action_parameters")
    ]
    assert given == [Status.APPROVED, Status.CONSENTED, Status.OVERRIDDEN]


def test_erased_texts_are_null_in_the_document() -> None:
    where = situation()
    document = status_document(STATES[Status.APPROVED], None, None, where.roster, NOW)
    assert document.keys() >= KEYS
    assert (document["metadata"], document["decision"]["comment"], document["decision"]["action_parameters"]) == (
        {},
        None,
        None,
    )


def test_metadata_is_returned_unchanged() -> None:
    assert document_of(STATES[Status.PENDING])["metadata"] == {"k": "v"}


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (approved_state(HARD), {"state": "none", "lapses_at": "2026-11-22T12:00:00Z"}),
        (
            claimed_state(approved_state(HARD)),
            {"state": "claimed", "claim_id": "clm_1", "claimed_at": "2026-11-20T12:00:00Z"},
        ),
        (STATES[Status.REVOKED], {"state": "none"}),
    ],
    ids=["approved", "claimed", "revoked"],
)
def test_the_execution_says_how_far_it_is(state: PackageState, expected: dict[str, str]) -> None:
    assert document_of(state)["execution"] == expected


def test_an_outcome_is_reported_with_its_time() -> None:
    document = document_of(reported_state(claimed_state(approved_state(HARD))))["execution"]
    assert (document["state"], document["reported_at"]) == (ExecutionState.SUCCEEDED.value, "2026-11-20T12:00:00Z")


def test_while_the_agent_has_to_answer_the_interrupt_expires_with_its_time() -> None:
    assert document_of(STATES[Status.REVISION_REQUESTED])["interrupt"]["expires_at"] == "2026-11-22T12:00:00Z"


def test_missing_fields_are_warnings_in_the_document() -> None:
    needy = policy(tiers={"medium": {"needs": ["evidence"]}})
    document = document_of(submitted_state(package(evidence_refs=[]), policy=needy), policy=needy)
    assert document["warnings"] == ["evidence_refs is empty. Reviewers may need it"]


def test_the_message_for_a_deferred_package_says_until_when() -> None:
    state = STATES[Status.DEFERRED]
    assert state.wake_at is not None
    assert rfc3339(state.wake_at) in document_of(state)["agent_message"]


def test_after_an_escalation_by_time_the_agent_is_told_every_role_that_may_decide() -> None:
    climbed = after(submitted_state(HARD), ask(Climb, submitted_state(HARD)), now=NOW + DAY)
    message = document_of(climbed, now=NOW + DAY)["agent_message"]
    assert message == "Waiting for a supervisor or a senior reviewer. Poll this URL or wait for the callback."
