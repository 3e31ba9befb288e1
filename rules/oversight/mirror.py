"""`Mirror`: what a person is shown of their own decisions. Nobody is shown another's."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from rules.oversight.judgments import JUDGMENT_FLAGS
from rules.oversight.measures import Ratio, percentiles
from rules.oversight.outcomes import Facts
from rules.state.commands import Verdict
from rules.values import Value

PERIOD, WEEK = timedelta(days=30), timedelta(days=7)


class OwnJudgment(NamedTuple):
    """A judgment of the person, with the facts of the package. `decided_ms`: since people were last asked."""

    ended_at: datetime
    flags: frozenset[str]  # those of `JUDGMENT_FLAGS` that are true
    facts: Facts
    decided_ms: int | None

    @classmethod
    def from_row(cls, ended_at: datetime, judgment: str, facts: str, decided_ms: int | None) -> OwnJudgment:
        flags = frozenset(judgment.split()).intersection(JUDGMENT_FLAGS)
        return cls(ended_at, flags, Facts.from_words(facts), decided_ms)


class Mirror(Value):
    """The last 30 days, except `open_tasks` (now) and `this_week` (the last seven days)."""

    decided: int = 0
    median_ms: int | None = None
    without_details: Ratio = Ratio()  # of the person's approvals
    disagreement: Ratio = Ratio()  # of what others judged too, in a quorum or in a blind second look
    unsound: Ratio = Ratio()  # of the person's decisions that were judged in a second look
    open_tasks: int = 0
    this_week: int = 0


def reflect(judgments: Iterable[OwnJudgment], open_tasks: int, now: datetime) -> Mirror:
    """Compute the mirror of one person from their judgments of the last 30 days."""
    own = list(judgments)
    decided = [judgment for judgment in own if "decided" in judgment.flags]
    times = sorted(judgment.decided_ms or 0 for judgment in decided)
    verdicts = [judgment.facts.verdict for judgment in decided if judgment.facts.sampled and judgment.facts.verdict]
    return Mirror(
        decided=len(decided),
        median_ms=percentiles([times]).median_ms if times else None,
        without_details=_share(own, "approved", lambda judgment: "opened" not in judgment.flags),
        disagreement=_share(own, "several", lambda judgment: "differed" in judgment.flags),
        unsound=Ratio(part=verdicts.count(Verdict.UNSOUND), whole=len(verdicts)),
        open_tasks=open_tasks,
        this_week=sum(judgment.ended_at > now - WEEK for judgment in decided),
    )


def _share(own: Iterable[OwnJudgment], flag: str, is_part: Callable[[OwnJudgment], bool]) -> Ratio:
    parts = [is_part(judgment) for judgment in own if flag in judgment.flags]
    return Ratio(part=sum(parts), whole=len(parts))
