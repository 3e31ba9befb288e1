"""How many have spoken, and whether that is enough: distinct people, each one's authority looked at again."""

from __future__ import annotations

from datetime import datetime

from rules.authority import still_counts
from rules.people import Roster
from rules.state import PackageState, Seat, Terms, Vote
from rules.values import Value


class Tally(Value):
    votes: tuple[Vote, ...]
    needed: int
    of_role: dict[str, tuple[int, int]] = {}

    @property
    def complete(self) -> bool:
        parts = all(have >= needed for needed, have in self.of_role.values())
        return parts and len({vote.reviewer_id for vote in self.votes}) >= self.needed

    @property
    def seats(self) -> tuple[Seat, ...]:
        return tuple(Seat(reviewer_id=vote.reviewer_id, role=vote.role) for vote in self.votes)


def tally(state: PackageState, votes: tuple[Vote, ...], terms: Terms, roster: Roster, now: datetime) -> Tally:
    """Of the votes given, those that would be given again today."""

    def counts(vote: Vote, role: str | None = None) -> bool:
        return still_counts(roster, vote, state, now, role)

    counted = tuple(vote for vote in votes if counts(vote))
    parts = {role: (needed, sum(counts(vote, role) for vote in counted)) for role, needed in terms.of_role.items()}
    return Tally(votes=counted, needed=terms.quorum, of_role=parts)
