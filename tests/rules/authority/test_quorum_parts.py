"""One person fills one part of a quorum, so a quorum is a matching of people to parts."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.authority.quorum import fill_quorum, tally
from rules.reasons import Reason
from rules.record.status_document import status_document
from rules.state.commands import Approve
from rules.state.model import PackageState, Status
from tests.rules.world import (
    AGENT,
    DORA,
    HARD,
    NOW,
    SAUL,
    SENTA,
    SUSI,
    SVEN,
    after,
    ask,
    people,
    policy,
    refusal,
    situation,
    submission,
    submitted_state,
)

PARTS = policy(tiers={"high": {"quorum": 2, "of_role": {"supervisor": 1, "director": 1}}})
ROLES = ("supervisor", "director", "legal")


def voted_state(*voters: str) -> PackageState:
    state = submitted_state(HARD, policy=PARTS)
    for voter in voters:
        state = after(state, ask(Approve, state), by=voter, policy=PARTS)
    return state


def quorum(state: PackageState) -> Any:
    counts = status_document(state, {}, {}, situation(policy=PARTS).roster, NOW)["interrupt"]["quorum"]
    parts = {role: (part["needed"], part["have"]) for role, part in counts["of_role"].items()}
    return counts["needed"], counts["have"], parts


def test_a_director_fills_only_one_part_of_a_quorum() -> None:
    state = voted_state(SENTA, DORA)
    assert state.status is Status.PENDING
    assert quorum(state) == (2, 2, {"supervisor": (1, 1), "director": (1, 0)})


@pytest.mark.parametrize("voters", [(DORA, SUSI), (SUSI, DORA)])
def test_a_director_fills_the_part_that_nobody_else_can_fill(voters: tuple[str, ...]) -> None:
    state = voted_state(*voters)
    assert state.status is Status.APPROVED
    assert quorum(state) == (2, 2, {"supervisor": (1, 1), "director": (1, 1)})


def test_people_beyond_a_part_do_not_count_for_another() -> None:
    assert quorum(voted_state(SUSI, SAUL)) == (2, 2, {"supervisor": (1, 1), "director": (1, 0)})
    assert quorum(voted_state(SENTA, SVEN)) == (2, 2, {"supervisor": (1, 0), "director": (1, 0)})


def test_a_quorum_that_nobody_can_fill_is_refused_at_submission() -> None:
    only_the_director = people(**{who: {"active": False} for who in (SUSI, SAUL, "USILA")})
    outcome = refusal(None, submission(HARD), by=AGENT.actor, policy=PARTS, people=only_the_director)
    assert outcome is Reason.NO_ELIGIBLE_REVIEWER


@given(
    of_role=st.dictionaries(st.sampled_from(ROLES), st.integers(1, 2)),
    rest=st.integers(0, 2),
    able=st.dictionaries(st.integers(1, 6).map(str), st.sets(st.sampled_from(ROLES))),
)
def test_the_matching_is_as_large_as_by_trying_every_order(
    of_role: dict[str, int], rest: int, able: dict[str, set[str]]
) -> None:
    seats = [role for role, needed in of_role.items() for _ in range(needed)] + [None] * rest
    have, parts = fill_quorum(of_role, len(seats), able)
    assert have == most_seats_by_trying(seats, able)
    assert all(held <= needed for needed, held in parts.values())
    assert sum(held for _, held in parts.values()) == most_seats_by_trying(seats[: sum(of_role.values())], able)


def most_seats_by_trying(seats: list[str | None], able: dict[str, set[str]]) -> int:
    """The most seats that can be filled, by trying all ways: a seat stays empty or one of the able takes it."""

    @cache
    def best(at: int, standing: frozenset[str]) -> int:
        if at == len(seats):
            return 0
        sitting = (who for who in standing if seats[at] is None or seats[at] in able[who])
        return max([best(at + 1, standing), *(1 + best(at + 1, standing - {who}) for who in sitting)])

    return best(0, frozenset(able))


@pytest.mark.parametrize("tiers", [{"quorum": 2}, {"quorum": 2, "of_role": {"supervisor": 1}}], ids=["anyone", "parts"])
def test_two_votes_of_one_person_are_one_part_of_a_quorum(tiers: dict[str, Any]) -> None:
    asked = policy(tiers={"high": tiers})
    state = submitted_state(HARD, policy=asked)
    (vote,) = after(state, ask(Approve, state), by=SUSI, policy=asked).votes
    counted = tally(state, (vote, vote), state.terms, situation(policy=asked).roster, NOW)
    assert (counted.filled, counted.complete) == (1, False)
