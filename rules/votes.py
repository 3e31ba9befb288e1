"""How many have spoken, and whether that is enough: distinct people, each one's authority looked at again."""

from __future__ import annotations

from rules.authority import still_counts
from rules.situation import Situation
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


def tally(state: PackageState, votes: tuple[Vote, ...], terms: Terms, situation: Situation) -> Tally:
    """Of the votes given, those that would be given again today."""
    counted = tuple(vote for vote in votes if still_counts(situation.roster, vote, state, situation.now))
    parts = {role: (needed, _of(role, counted, situation)) for role, needed in terms.of_role.items()}
    return Tally(votes=counted, needed=terms.quorum, of_role=parts)


def _of(role: str, votes: tuple[Vote, ...], situation: Situation) -> int:
    return sum(bool(situation.roster.able_in(vote.reviewer_id, role)) for vote in votes)
