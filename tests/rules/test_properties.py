"""What holds whatever anybody does, in whatever order."""

from __future__ import annotations

import json
import random
from collections import Counter

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from rules.chain import fold
from rules.commands import Command, Verb
from rules.people import references
from rules.reasons import Refusal
from rules.scales import RiskLevel
from rules.situation import Situation
from rules.state import Basis, Decision, ExecutionState, PackageState, Status
from rules.transition import Transition
from tests.rules.chaos import MARK, Life

GRANTED = (Status.APPROVED, Status.CONSENTED, Status.OVERRIDDEN)

# Looking at each answer by itself.


def look(before: PackageState | None, command: Command, outcome: Transition | Refusal, where: Situation) -> None:
    if isinstance(outcome, Refusal):
        says_what_stands_in_the_way(outcome)
        return
    after = outcome.after
    assert outcome.before == before
    assert after.revision == (before.revision if before else 0) + len(outcome.occurrences)
    assert len({event.event_id for event in outcome.occurrences}) == len(outcome.occurrences)
    if before is not None:
        leaves_an_end_only_by_a_revoke(before, command, after)
        never_falls(before, after)
    made = after.decision
    if made is not None and (before is None or before.status is not after.status) and after.proceeds:
        was_granted_rightly(before, after, made, where)


def says_what_stands_in_the_way(answer: Refusal) -> None:
    sentence = answer.sentence
    assert "(no " not in sentence
    assert "{" not in sentence
    assert "None" not in sentence


def leaves_an_end_only_by_a_revoke(before: PackageState, command: Command, after: PackageState) -> None:
    unclaimed = before.status in GRANTED and before.execution.state is ExecutionState.NONE
    revoked = command.verb is Verb.REVOKE and unclaimed and after.status is Status.REVOKED
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


def was_granted_rightly(before: PackageState | None, after: PackageState, made: Decision, where: Situation) -> None:
    assert not after.ended(where.now)
    assert after.lapses_at is not None
    if made.basis is Basis.SILENT_CONSENT:
        assert before is not None
        assert before.soft
        assert after.risk < RiskLevel.HIGH
        assert where.policy.soft.enabled
    elif made.basis is Basis.POLICY:
        assert before is None
    else:
        who = [seat.reviewer_id for seat in made.reviewers]
        today = where.policy.tiers.of(after.risk)
        assert len(set(who)) == len(who) >= max(after.terms.quorum, today.quorum)
        assert all(could_proceed(reviewer, after, where) for reviewer in who)
        parts = [*after.terms.of_role.items(), *today.of_role.items()]
        assert all(sum(bool(where.roster.able_in(each, role)) for each in who) >= needed for role, needed in parts)


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
    if life.state is not None:
        assert fold(life.events) == life.state.model_dump(mode="json")
        assert PackageState.model_validate_json(life.state.model_dump_json()) == life.state
        rests_on_what_it_says(life.state, permitted=life.state.may_proceed(life.now))


def rests_on_what_it_says(state: PackageState, *, permitted: bool) -> None:
    made = state.decision
    assert not permitted or (made is not None and state.status in GRANTED and made.package_version == state.version)
    assert not permitted or state.execution.state is ExecutionState.NONE
    if made is not None:
        by_time = made.basis is Basis.TIMEOUT
        assert not by_time or state.status in (Status.EXPIRED, Status.CANCELLED, Status.DEFERRED)
        assert by_time or state.status is not Status.EXPIRED
        assert not (by_time and made.reviewers)
        assert made.basis is Basis.HUMAN or state.status not in (Status.REJECTED, Status.TAKEN_OVER, Status.REVOKED)
        assert (made.basis is Basis.SILENT_CONSENT) == (state.status is Status.CONSENTED)


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


@pytest.mark.parametrize("seed", range(20))
def test_a_long_life_by_plain_chance_keeps_every_promise(seed: int) -> None:
    life, chance = Life(look), random.Random(seed)
    for _ in range(1000):
        life.something_happens(chance.choice)
        look_around(life)
