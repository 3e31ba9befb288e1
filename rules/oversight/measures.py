"""The ten measures of human control. Each has one definition, which Slack, the terminal and `/metrics` use.

Nine are shares: `SHARES` says which packages a share is of, and which of these are its part. The tenth is the time that
decisions took. Packages with the same facts are counted together (`Counted`), so that a hundred thousand packages are a
few hundred values here. `docs/oversight.md` says what each measure means.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from math import sqrt
from typing import NamedTuple

from rules.oversight.outcomes import Facts, Result
from rules.state.commands import Verdict
from rules.string_enum import StringEnum
from rules.values import Value

FEW = 20  # below so many packages a percentage would look more exact than it is, so counts are shown
_Z = 1.959964  # the 95 % quantile, two-sided


class Measure(StringEnum):
    """The nine shares."""

    APPROVAL = "approval"
    REJECTION = "rejection"
    OVERRIDE = "override"
    REVISION = "revision"
    ESCALATION = "escalation"
    APPROVAL_WHEN_UNCERTAIN = "approval_when_uncertain"
    DISAGREEMENT = "disagreement"
    INCIDENTS = "incidents"
    DEFECTS = "defects"


class Ratio(Value):
    """A part of a whole, as counts."""

    part: int = 0
    whole: int = 0

    @property
    def share(self) -> float | None:
        return self.part / self.whole if self.whole else None

    @property
    def is_small(self) -> bool:
        return self.whole < FEW

    @property
    def interval(self) -> tuple[float, float] | None:
        """Where the true share lies with 95 % confidence, if these packages are a random sample (Wilson)."""
        if not self.whole:
            return None
        share, n = self.part / self.whole, self.whole
        middle = (share + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
        margin = _Z / (1 + _Z**2 / n) * sqrt(share * (1 - share) / n + _Z**2 / (4 * n**2))
        return max(0.0, middle - margin), min(1.0, middle + margin)

    @property
    def text(self) -> str:
        """Small numbers as counts: 3 of 7. Others with their percentage: 43% (30 of 70)."""
        counts = f"{self.part:,} of {self.whole:,}"
        return counts if self.share is None or self.is_small else f"{self.share:.0%} ({counts})"


class Share(NamedTuple):
    """The definition of a share: of which packages (`whole`), and which of these (`part`)."""

    whole: Callable[[Facts], bool]
    part: Callable[[Facts], bool]


def _decided(facts: Facts) -> bool:
    return facts.result.by_people


def _awaited_people(facts: Facts) -> bool:
    return facts.result.awaited_people


SHARES: Mapping[Measure, Share] = {
    Measure.APPROVAL: Share(_decided, lambda facts: facts.result is Result.APPROVED),
    Measure.REJECTION: Share(_decided, lambda facts: facts.result is Result.REJECTED),
    Measure.OVERRIDE: Share(_decided, lambda facts: facts.result is Result.OVERRIDDEN),
    Measure.REVISION: Share(_awaited_people, lambda facts: facts.sent_back),
    Measure.ESCALATION: Share(_awaited_people, lambda facts: facts.escalated),
    Measure.APPROVAL_WHEN_UNCERTAIN: Share(
        lambda facts: facts.uncertain and _decided(facts), lambda facts: facts.result is Result.APPROVED
    ),
    Measure.DISAGREEMENT: Share(lambda facts: facts.judged_by_several, lambda facts: facts.disagreed),
    Measure.INCIDENTS: Share(lambda facts: facts.allowed, lambda facts: facts.incident),
    Measure.DEFECTS: Share(
        lambda facts: facts.sampled and facts.verdict is not None, lambda facts: facts.verdict is Verdict.UNSOUND
    ),
}


class Counted(NamedTuple):
    """How many packages have the same facts."""

    facts: Facts
    packages: int


class Percentiles(Value):
    """Half of the decisions took at most the median, nine of ten at most `p90_ms`."""

    median_ms: int
    p90_ms: int


class DecisionPercentiles(Value):
    """The time to decide, and the three parts that it has: see `DecisionTimes`."""

    decided: Percentiles
    waiting: Percentiles
    seen: Percentiles
    reading: Percentiles


class Figures(Value):
    """The measures of some packages.

    `sampled`: how many of them were picked for a second look; `blind`: for a blind one; `not_possible`: for a blind one
    that nobody could give, so it is in neither of the others.
    """

    results: dict[Result, int] = {}
    shares: dict[Measure, Ratio] = dict.fromkeys(Measure, Ratio())
    times: DecisionPercentiles | None = None
    sampled: int = 0
    blind: int = 0
    not_possible: int = 0

    @property
    def ended(self) -> int:
        return sum(self.results.values())

    @property
    def decided(self) -> int:
        """The packages that people decided."""
        return sum(count for result, count in self.results.items() if result.by_people)


def compute_times(parts: Sequence[Sequence[list[int]]]) -> DecisionPercentiles | None:
    """The percentiles of all decisions. `parts`: for each field of `DecisionTimes`, the sorted times of each group."""
    if not any(chain.from_iterable(parts)):
        return None
    return DecisionPercentiles(**dict(zip(DecisionPercentiles.model_fields, map(percentiles, parts), strict=True)))


def percentiles(groups: Sequence[list[int]]) -> Percentiles:
    """Median and 90th percentile by nearest rank, so that each is a time that a decision really took."""
    half, nine_tenths = (_nearest_rank([times for times in groups if times], tenths) for tenths in (5, 9))
    return Percentiles(median_ms=half, p90_ms=nine_tenths)


def _nearest_rank(groups: Sequence[list[int]], tenths: int) -> int:
    """The shortest time within which so many tenths were decided. Found by halving: merging takes longer."""
    rank = -(-sum(map(len, groups)) * tenths // 10)
    every_ms = range(min(times[0] for times in groups), max(times[-1] for times in groups) + 1)
    return every_ms[bisect_left(every_ms, rank, key=lambda ms: sum(bisect_right(times, ms) for times in groups))]


def compute_figures(counted: Iterable[Counted], times: DecisionPercentiles | None = None) -> Figures:
    """The results, shares and times of a group of outcomes."""
    groups = list(counted)
    results = Counter[Result]()
    for facts, count in groups:
        results[facts.result] += count
    return Figures(
        results={result: results[result] for result in Result if results[result]},
        shares=_ratios(groups),
        times=times,
        sampled=sum(count for facts, count in groups if facts.sampled),
        blind=sum(count for facts, count in groups if facts.blind),
        not_possible=sum(count for facts, count in groups if facts.not_possible),
    )


def _ratios(groups: list[Counted]) -> dict[Measure, Ratio]:
    parts, wholes = Counter[Measure](), Counter[Measure]()
    for facts, count in groups:
        for measure, is_part in _counted_in(facts):
            wholes[measure] += count
            parts[measure] += count * is_part
    return {measure: Ratio(part=parts[measure], whole=wholes[measure]) for measure in SHARES}


@lru_cache(maxsize=4096)  # there are few different facts, and each is in many groups
def _counted_in(facts: Facts) -> tuple[tuple[Measure, bool], ...]:
    """The measures that count packages with these facts, and whether they also count as the part."""
    return tuple((measure, share.part(facts)) for measure, share in SHARES.items() if share.whole(facts))
