"""Counts votes towards a quorum: distinct people, whose authority is checked again at each count.

A quorum has parts: a number of people for each role that it names, and a rest that anyone who may decide can fill. One
person fills one part, so whether a quorum is complete is a matching of people to parts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Mapping
from datetime import datetime

from rules.authority.authorization import vote_still_counts
from rules.people.directory import Roster
from rules.state.decisions import Seat, Vote
from rules.state.model import PackageState, Terms
from rules.values import Value


class Tally(Value):
    """The votes that count, and how many seats of the quorum they fill. `of_role`: seats needed and filled by role."""

    votes: tuple[Vote, ...]
    needed: int
    filled: int
    of_role: dict[str, tuple[int, int]] = {}

    @property
    def complete(self) -> bool:
        return self.filled >= self.needed

    @property
    def seats(self) -> tuple[Seat, ...]:
        return tuple(Seat(reviewer_id=vote.reviewer_id, role=vote.role) for vote in self.votes)


def tally(state: PackageState, votes: tuple[Vote, ...], terms: Terms, roster: Roster, now: datetime) -> Tally:
    """The votes that could be given again today, and the parts of the quorum that they fill."""

    def counts(vote: Vote, role: str | None = None) -> bool:
        return vote_still_counts(roster, vote, state, now, role)

    counted = tuple(vote for vote in votes if counts(vote))
    able = {vote.reviewer_id: [role for role in terms.of_role if counts(vote, role)] for vote in counted}
    seats, parts = fill_quorum(terms.of_role, terms.quorum, able)
    return Tally(votes=counted, needed=terms.quorum, filled=seats, of_role=parts)


def fill_quorum(
    of_role: Mapping[str, int], quorum: int, able: Mapping[str, Container[str]]
) -> tuple[int, dict[str, tuple[int, int]]]:
    """How many seats of the quorum these people fill, and for each role the seats needed and filled.

    `able`: the roles in which each person could fill a part. Anyone can fill the rest, so a person who fills no part
    counts there.
    """
    if not of_role:
        return min(len(able), quorum), {}
    seated = _fill_parts(of_role, able)
    others = quorum - sum(of_role.values())
    parts = {role: (needed, seated[role]) for role, needed in of_role.items()}
    return min(len(able), seated.total() + others), parts


def _fill_parts(of_role: Mapping[str, int], able: Mapping[str, Container[str]]) -> Counter[str]:
    """The largest matching, by augmenting paths: a seated person moves if that makes room for one more."""
    seats = [role for role, needed in of_role.items() for _ in range(needed)]
    occupied: dict[int, str] = {}

    def seat(person: str, tried: set[int]) -> bool:
        for number, role in enumerate(seats):
            if number not in tried and role in able[person]:
                tried.add(number)
                if number not in occupied or seat(occupied[number], tried):
                    occupied[number] = person
                    return True
        return False

    for person in able:
        seat(person, set())
    return Counter(seats[number] for number in occupied)
