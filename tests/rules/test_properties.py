"""What holds whatever anybody does, in whatever order."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable
from itertools import permutations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from rules.people.directory import references
from rules.reasons import Refusal
from rules.record.chain import fold_events
from rules.scales import RiskLevel
from rules.state.commands import Command, Verb
from rules.state.model import Basis, Decision, ExecutionState, PackageState, Status
from rules.state.situation import Situation
from rules.state.transition import Transition
from rules.verbs.absences import needs_relief
from tests.rules.chaos import MARK, Life

pytestmark = pytest.mark.slow

GRANTED = (Status.APPROVED, Status.CONSENTED, Status.OVERRIDDEN)

# Looking at each answer by itself.


def look(before: PackageState | None, command: Command, outcome: Transition | Refusal, where: Situation) -> None:
    if isinstance(outcome, Refusal):
        says_what_stands_in_the_way(outcome)
        return
    after, made = outcome.after, outcome.after.decision
    assert outcome.before == before
    assert after.revision == (before.revision if before else 0) + len(outcome.occurrences)
    assert len({event.event_id for event in outcome.occurrences}) == len(outcome.occurrences)
    if before is not None:
        leaves_an_end_only_by_a_revoke(before, command, after)
        never_falls(before, after)
    if command.verb is Verb.RELIEVE:
        nobody_is_missed_any_more(after, where)
    if made is not None and after.proceeds and (before is None or before.status is not after.status):
        RIGHTLY[made.basis](before, after, made, where)


def says_what_stands_in_the_way(answer: Refusal) -> None:
    sentence = answer.sentence
    assert "(no " not in sentence
    assert "{" not in sentence
    assert "None" not in sentence


def leaves_an_end_only_by_a_revoke(before: PackageState, command: Command, after: PackageState) -> None:
    unclaimed = before.status in GRANTED and before.execution.state is ExecutionState.NONE
    ends = command.verb in (Verb.REVOKE, Verb.CLAIM_EXECUTION)  # a claim ends what no longer stands
    revoked = ends and unclaimed and after.status is Status.REVOKED
    assert not before.status.terminal or after.status is before.status or revoked
    assert before.execution.claim_id in (None, after.execution.claim_id)


def never_falls(before: PackageState, after: PackageState) -> None:
    """Within a version, and from one to the next."""
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


def nobody_is_missed_any_more(after: PackageState, where: Situation) -> None:
    """And who has it now could decide it, and is there: no relief gives rise to another."""
    assert not needs_relief(after, where.roster, where.now)
    having = after.task.assigned_to
    assert having is None or could_proceed(having, after, where)
    assert having is None or not where.roster.directory.people[having].is_away(where.now)
    assert having is not None or after.task.stands_in_for is None


def by_silence(before: PackageState | None, after: PackageState, _: Decision, where: Situation) -> None:
    assert before is not None
    assert before.soft
    assert after.risk < RiskLevel.HIGH
    assert where.policy.soft.enabled
    assert not after.ended(where.now)


def by_policy(before: PackageState | None, *_: object) -> None:
    assert before is None


def by_people(_: PackageState | None, after: PackageState, made: Decision, where: Situation) -> None:
    who = [seat.reviewer_id for seat in made.reviewers]
    today = where.policy.tiers.of(after.risk)
    assert len(set(who)) == len(who) >= max(after.terms.quorum, today.quorum)
    assert all(could_proceed(reviewer, after, where) for reviewer in who)
    assert all(parts_are_filled(of_role, who, where) for of_role in (after.terms.of_role, today.of_role))
    assert not after.ended(where.now)


def parts_are_filled(of_role: dict[str, int], who: list[str], where: Situation) -> bool:
    """By trying every order in which these people could sit down: one seat for each of them."""
    seats = [role for role, needed in of_role.items() for _ in range(needed)]
    orders = permutations(who, len(seats))
    return any(
        all(where.roster.roles_acting_as(*sitting) for sitting in zip(order, seats, strict=True)) for order in orders
    )


# Time grants nothing: it has no entry.
RIGHTLY: dict[Basis, Callable[[PackageState | None, PackageState, Decision, Situation], None]] = {
    Basis.SILENT_CONSENT: by_silence,
    Basis.POLICY: by_policy,
    Basis.HUMAN: by_people,
    Basis.QUORUM: by_people,
}


def could_proceed(who: str, state: PackageState, where: Situation) -> bool:
    """Said a second time, in another way: a full member, no part of it, and one role that answers for all of it."""
    its = where.roster.directory.people[who]
    full_member = its.active and not (its.is_bot or its.is_guest or its.is_stranger)
    independent = not references(its) & state.barred.keys()
    roles = [role for role in where.policy.roles.values() if who in role.members]
    answers = any(role.covers(state.action_type) and role.max_risk >= state.risk for role in roles)
    return full_member and independent and answers


# Looking at what all of it has come to.


def look_around(life: Life) -> None:
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
        permits_rightly(state)
    if state.decision is not None:
        rests_on_what_it_says(state.status, state.decision)


def permits_rightly(state: PackageState) -> None:
    assert state.decision is not None
    assert state.status in GRANTED
    assert state.decision.package_version == state.version
    assert state.execution.state is ExecutionState.NONE


def rests_on_what_it_says(status: Status, made: Decision) -> None:
    by_time = made.basis is Basis.TIMEOUT
    assert not by_time or status in (Status.EXPIRED, Status.CANCELLED, Status.DEFERRED)
    assert by_time or status is not Status.EXPIRED
    assert not (by_time and made.reviewers)
    by_a_claim = status is Status.REVOKED and made.basis is Basis.POLICY
    assert made.basis is Basis.HUMAN or by_a_claim or status not in (Status.REJECTED, Status.TAKEN_OVER, Status.REVOKED)
    assert (made.basis is Basis.SILENT_CONSENT) == (status is Status.CONSENTED)


class Lives(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.life = Life(look)

    @rule(data=st.data())
    def something_happens(self, data: st.DataObject) -> None:
        self.life.something_happens(lambda options: data.draw(st.sampled_from(options)))

    @invariant()
    def all_is_well(self) -> None:
        look_around(self.life)


TestLives = Lives.TestCase
TestLives.settings = settings(max_examples=100, stateful_step_count=40)


@pytest.mark.parametrize("seed", range(30))
def test_random_lives_of_packages_keep_every_invariant(seed: int) -> None:
    life, chance = Life(look), random.Random(seed)
    for _ in range(1000):
        life.something_happens(chance.choice)
        look_around(life)


def test_random_commands_reach_every_status() -> None:
    seen, reasons = set[str](), set[str]()
    for seed in range(10):
        life, chance = Life(look), random.Random(seed)
        for _ in range(1000):
            life.something_happens(chance.choice)
            seen |= {event["event_type"] for event in life.events[-3:]}
            reasons |= {event["reason"] for event in life.events[-3:]}
    assert {f"package.{status}" for status in Status} <= seen
    assert {f"execution.{state}" for state in ExecutionState} - {"execution.none"} <= seen
    assert "execution.reminded" in seen
    assert {"absent", "back", "nobody-left"} <= reasons
