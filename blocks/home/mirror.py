"""The modal "My decisions": how a person decided lately, for themselves."""

from __future__ import annotations

from collections.abc import Iterator

from blocks.home.stats import duration_text
from blocks.kit.elements import Block, Run, bold, bullets, context, rich
from blocks.kit.ids import FormId
from blocks.kit.text import pluralize
from blocks.words.views import View, modal
from rules.oversight.measures import FEW
from rules.oversight.mirror import PERIOD, Mirror

MY_DECISIONS = "My decisions"
_NOTE = (
    f"Only you can see this: no admin, no agent and no report can. Of fewer than {FEW}, counts only. "
    "It shows where to look, not how well you review."
)


def mirror_view(mirror: Mirror) -> View:
    blocks: list[Block] = [rich(bullets(_facts(mirror))), context(_NOTE)]
    return modal(FormId.MIRROR, MY_DECISIONS, blocks)


def _facts(mirror: Mirror) -> Iterator[list[Run]]:
    yield [bold(f"The last {PERIOD.days} days: "), f"{pluralize(mirror.decided, 'package')} decided."]
    if mirror.median_ms is not None:
        yield [bold("Time to decide: "), f"half within {duration_text(mirror.median_ms)}."]
    for label, share, ending in (
        ("Approved without opening Details", mirror.without_details, ""),
        ("Someone judged differently", mirror.disagreement, " that others judged too"),
        ("Judged unsound afterwards", mirror.unsound, " that had a second look"),
    ):
        if share.whole:
            yield [bold(f"{label}: "), f"{share.text}{ending}."]
    yield [bold("Your load: "), f"{mirror.open_tasks:,} assigned to you now, {mirror.this_week:,} decided in 7 days."]
