"""Invariants that hold after any commands in any order."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from itertools import permutations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from rules.authority.ladder import deciding_rungs
from rules.people.directory import references
from rules.reasons import Refusal
from rules.scales import RiskLevel
from rules.state.commands import Command, Verb
from rules.state.decisions import Basis, Decision, ExecutionState
from rules.state.model import PackageState, Status, Terms
from rules.state.service_commands import ClockCommand
from rules.state.situation import Situation
from rules.state.terms import terms_today
from rules.state.transition import Transition
from rules.verbs.absences import needs_relief
from tests.rules.chaos import MARK, Life
from tests.rules.record.record import fold_events

pytestmark = pytest.mark.slow

GRANTED = (Status.APPROVED, Status.CONSENTED, Status.OVERRIDDEN)

# Checks of a single outcome.


def check_outcome(
    before: PackageState | None, command: Command, outcome: Transition | Refusal, where: Situation
) -> None:
    if isinstance(outcome, Refusal):
        check_sentence(outcome)
        return
    after, decision = outcome.after, outcome.after.decision
    assert outcome.before == before
    assert after.revision == (before.revision if before else 0) + len(outcome.occurrences)
    assert len({event.event_id for event in outcome.occurrences}) == len(outcome.occurrences)
    if before is not None:
        check_terminal_status(before, command, after)
        check_nothing_falls(before, after)
        check_new_votes(before, after, where)
        check_kept_rungs(before, command, after, terms_today(after, where.policy))
        if before.hold:
            check_hold(before, command, after, where.now)
    if command.verb is Verb.RELIEVE:
        check_no_relief_needed(after, where)
    if decision is not None and after.proceeds and (before is None or before.status is not after.status):
        RIGHTLY[decision.basis](before, after, decision, where)


def check_sentence(answer: Refusal) -> None:
    sentence = answer.sentence
    assert "(no " not in sentence
    assert "{" not in sentence
    assert "None" not in sentence


def check_terminal_status(before: PackageState, command: Command, after: PackageState) -> None:
    unclaimed = before.status in GRANTED and before.execution.state is ExecutionState.NONE
    # A claim revokes an invalid permission.
    ends = command.verb in (Verb.REVOKE, Verb.CLAIM_EXECUTION, Verb.REVOKE_WITH_THREAD)
    revoked = ends and unclaimed and after.status is Status.REVOKED
    assert not before.status.terminal or after.status is before.status or revoked
    assert before.execution.claim_id in (None, after.execution.claim_id)


def check_nothing_falls(before: PackageState, after: PackageState) -> None:
    """Within a version and from one version to the next."""
    assert after.version in (before.version, before.version + 1)
    assert after.level >= before.level
    assert after.risk >= before.risk
    assert after.reversibility >= before.reversibility
    assert after.task.rung >= before.task.rung
    assert after.terms.quorum >= before.terms.quorum
    assert after.terms.comment_required >= before.terms.comment_required
    assert before.barred.items() <= after.barred.items()
    assert before.expires_at is None or (after.expires_at is not None and after.expires_at <= before.expires_at)
    assert all(vote.version == after.version for vote in after.votes)


def check_new_votes(before: PackageState, after: PackageState, where: Situation) -> None:
    """Each is given on a rung that may decide now, by someone who could decide there without any other rung."""
    for vote in set(after.votes) - set(before.votes):
        wanted = {after.terms.role_at(vote.rung), *after.terms.of_role}
        holds = {role for role in wanted if where.roster.roles_acting_as(vote.reviewer_id, role)}
        assert vote.rung in deciding_rungs(before, terms_today(before, where.policy))
        assert holds
        assert could_proceed(vote.reviewer_id, after, where)


def check_kept_rungs(before: PackageState, command: Command, after: PackageState, today: Terms) -> None:
    """Only the clock and absences keep earlier rungs, and a person's escalation leaves none of them."""
    rungs = deciding_rungs(after, today)
    assert rungs[-1] == after.task.rung
    climbed = after.task.rung > before.task.rung
    assert rungs.start >= deciding_rungs(before, today).start
    assert not (climbed and command.verb is Verb.ESCALATE) or len(rungs) == 1
    assert today.ladder_keeps or not climbed or len(rungs) == 1


def check_hold(before: PackageState, command: Command, after: PackageState, now: datetime) -> None:
    """While its thread is held, nothing is claimed or consented, and of time only the package's own end counts.

    A mail that has left is recorded all the same.
    """
    assert before.hold is not None
    counts = command.verb in (Verb.EXPIRE, Verb.HARDEN, Verb.RECORD_MAILS)
    assert after == before or counts or not isinstance(command, ClockCommand)
    assert after.execution == before.execution
    assert before.status is after.status or after.status is not Status.CONSENTED
    if command.verb is Verb.RESUME_WITH_THREAD:
        check_time_left(before, after, before.hold.since, now)


def check_time_left(before: PackageState, after: PackageState, held_since: datetime, now: datetime) -> None:
    """As much time is left as at the hold, or at the restart of the deadline during it."""
    began = max(held_since, before.task.timed_from or before.task.created_at)
    same_task = not before.status.terminal and after.task.rung == before.task.rung
    assert not same_task or after.task.due_at - now == before.task.due_at - began
    assert after.lapses_at is None or after.expires_at is None or after.lapses_at <= after.expires_at
    assert after.shown is None


def check_no_relief_needed(after: PackageState, where: Situation) -> None:
    """The new assignee is present and could decide, so that no further relief is needed."""
    assert not needs_relief(after, where.roster, where.now)
    having = after.task.assigned_to
    assert having is None or could_proceed(having, after, where)
    assert having is None or not where.roster.directory.people[having].is_away(where.now)
    assert having is not None or after.task.stands_in_for is None


def check_silent_consent(before: PackageState | None, after: PackageState, _: Decision, where: Situation) -> None:
    assert before is not None
    assert before.soft
    assert after.risk < RiskLevel.HIGH
    assert where.policy.soft.enabled
    assert not after.is_past_expiry(where.now)


def check_policy_decision(before: PackageState | None, *_: object) -> None:
    assert before is None


def check_human_decision(_: PackageState | None, after: PackageState, decision: Decision, where: Situation) -> None:
    who = [seat.reviewer_id for seat in decision.reviewers]
    today = where.policy.tiers.of(after.risk)
    assert len(set(who)) == len(who) >= max(after.terms.quorum, today.quorum)
    assert all(could_proceed(reviewer, after, where) for reviewer in who)
    assert all(quorum_parts_are_filled(of_role, who, where) for of_role in (after.terms.of_role, today.of_role))
    assert not after.is_past_expiry(where.now)


def quorum_parts_are_filled(of_role: dict[str, int], who: list[str], where: Situation) -> bool:
    """By trying every order in which these people could take the seats, one seat each."""
    seats = [role for role, needed in of_role.items() for _ in range(needed)]
    orders = permutations(who, len(seats))
    return any(
        all(where.roster.roles_acting_as(*sitting) for sitting in zip(order, seats, strict=True)) for order in orders
    )


# No entry for time, because it grants nothing.
RIGHTLY: dict[Basis, Callable[[PackageState | None, PackageState, Decision, Situation], None]] = {
    Basis.SILENT_CONSENT: check_silent_consent,
    Basis.POLICY: check_policy_decision,
    Basis.HUMAN: check_human_decision,
    Basis.QUORUM: check_human_decision,
}


def could_proceed(who: str, state: PackageState, where: Situation) -> bool:
    """An independent version of the rule: a full member, no party, and one role that meets everything."""
    person = where.roster.directory.people[who]
    full_member = person.active and not (person.is_bot or person.is_guest or person.is_stranger)
    independent = not references(person) & state.barred.keys()
    roles = [role for role in where.policy.roles.values() if who in role.members]
    answers = any(role.covers(state.action_type) and role.max_risk >= state.risk for role in roles)
    return full_member and independent and answers


# Checks of a whole life.


def check_views(life: Life) -> None:
    kinds = Counter(event["event_type"] for event in life.events)
    assert kinds["execution.claimed"] <= 1
    assert kinds["package.revoked"] <= 1
    assert sum(kinds[f"package.{status}"] for status in Status if status.terminal) - kinds["package.revoked"] <= 1
    written = json.dumps(life.events[-5:])
    assert MARK not in written
    assert "@" not in written
    state = life.state
    if state is None:
        return
    assert fold_events(life.events) == state.model_dump(mode="json")
    assert PackageState.model_validate_json(state.model_dump_json()) == state
    if state.may_proceed(life.now):
        check_permission(state)
    if state.decision is not None:
        check_basis(state.status, state.decision)


def check_permission(state: PackageState) -> None:
    assert state.decision is not None
    assert state.status in GRANTED
    assert state.decision.package_version == state.version
    assert state.execution.state is ExecutionState.NONE


def check_basis(status: Status, decision: Decision) -> None:
    by_time = decision.basis is Basis.TIMEOUT
    assert not by_time or status in (Status.EXPIRED, Status.CANCELLED, Status.DEFERRED)
    assert by_time or status is not Status.EXPIRED
    assert not (by_time and decision.reviewers)
    by_a_claim = status is Status.REVOKED and decision.basis is Basis.POLICY
    assert (
        decision.basis is Basis.HUMAN
        or by_a_claim
        or status not in (Status.REJECTED, Status.TAKEN_OVER, Status.REVOKED)
    )
    assert (decision.basis is Basis.SILENT_CONSENT) == (status is Status.CONSENTED)


class Lives(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.life = Life(check_outcome)

    @rule(data=st.data())
    def something_happens(self, data: st.DataObject) -> None:
        self.life.something_happens(lambda options: data.draw(st.sampled_from(options)))

    @invariant()
    def all_is_well(self) -> None:
        check_views(self.life)


TestLives = Lives.TestCase
TestLives.settings = settings(max_examples=100, stateful_step_count=40)


@pytest.mark.parametrize("seed", range(30))
def test_random_lives_of_packages_keep_every_invariant(seed: int) -> None:
    life, chance = Life(check_outcome), random.Random(seed)
    for _ in range(1000):
        life.something_happens(chance.choice)
        check_views(life)


def test_random_commands_reach_every_status() -> None:
    seen, reasons = set[str](), set[str]()
    for seed in range(10):
        life, chance = Life(check_outcome), random.Random(seed)
        for _ in range(1000):
            life.something_happens(chance.choice)
            seen |= {event["event_type"] for event in life.events[-3:]}
            reasons |= {event["reason"] for event in life.events[-3:]}
    assert {f"package.{status}" for status in Status} <= seen
    assert {f"execution.{state}" for state in ExecutionState} - {"execution.none"} <= seen
    assert {"execution.reminded", "package.held", "package.resumed", "package.thread_changed"} <= seen
    assert {"absent", "back", "nobody-left"} <= reasons
