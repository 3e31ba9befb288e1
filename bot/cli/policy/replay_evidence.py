"""What came of the packages on which a policy is tried, as text, with what was asked then and what would be now.

A package is evidence if something went wrong with it, or if people stopped or changed it, and the policy would ask less
of people or cannot be tried on it. `replaying` writes the rest of the text.
"""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import wrap

from bot.cli.common.text import WIDTH, cut, plain
from bot.cli.policy.replay_document import Report
from rules.oversight.aftermath import EvidenceGroup, TriedPackage
from rules.oversight.asking import Asking
from rules.oversight.replay import Obstacle
from rules.values import write_duration
from rules.wording import humanize

MAX_NAMED = 20  # of each list in the text; JSON has all

OBSTACLES = {
    Obstacle.EMPTIED: "content emptied by retention",
    Obstacle.ALTERED: "content altered, see `countersign audit verify`",
    Obstacle.UNREADABLE: "this release cannot read it, or an earlier event of its agent",
    Obstacle.POLICY: "the policy of that time cannot be read",
    Obstacle.EXCEPTION: "an exception to a rule, which is not replayed",
    Obstacle.AUTONOMY: "the autonomy that the agent had then is not known",
    Obstacle.PEOPLE: "depends on the directory of that time, which is not kept",
    Obstacle.DIFFERS: "the record and the rules differ under the policy of that time",
}


def obstacle_lines(report: Report) -> Iterator[str]:
    """Why packages are not replayed, and how many of them went wrong: of these nobody knows what would have been."""
    obstacles = report.comparison.total.obstacles
    for obstacle, number in obstacles.most_common():
        yield from wrap_lines(f"{number} not replayable: {OBSTACLES[obstacle]}")
    if obstacles:
        untried = report.comparison.evidence(EvidenceGroup.UNTRIED)
        wrong = sum(package.went_wrong for package in untried)
        others = len(untried) - wrong
        yield from wrap_lines(
            f"Of the {obstacles.total()} not replayable, {wrong} went wrong. People stopped or changed {others} others."
        )


def wrap_lines(text: str, indent: str = "  ") -> list[str]:
    return wrap(text, WIDTH, initial_indent=indent, subsequent_indent=indent + "  ", break_on_hyphens=False)


def rest_line(number: int, most: int = MAX_NAMED, indent: str = "") -> Iterator[str]:
    if number > most:
        yield f"{indent}... and {number - most} more; --json lists all"


def evidence_lines(report: Report, most: int = MAX_NAMED) -> Iterator[str]:
    """The packages that went wrong, or that people did not let go as they were, and that the policy does not catch."""
    laxer, unasked = (report.comparison.evidence(group) for group in (EvidenceGroup.LAXER, EvidenceGroup.UNASKED))
    number = sum(package.is_laxer for package in report.comparison.packages.values())
    if number:
        yield from wrap_lines(
            f"Laxer, or another role: {number}. Of these, {len(laxer)} went wrong, or people did not let them go as "
            "they were.",
            "",
        )
        yield from _endings(report)
        yield from _packages(report, laxer, most)
    if unasked:
        yield f"Not laxer, but spared or soft under the new policy, and went wrong: {len(unasked)}."
        yield from _packages(report, unasked, most)


def _endings(report: Report) -> Iterator[str]:
    endings = report.comparison.endings.most_common()
    if endings:
        yield from wrap_lines(f"The others: {', '.join(f'{number} {humanize(name)}' for name, number in endings)}.", "")


def _packages(report: Report, packages: list[TriedPackage], most: int) -> Iterator[str]:
    for package in packages[:most]:
        title = plain(report.result.titles.get(package.decision_package_id) or "(text emptied by retention)")
        yield cut(f"  {package.decision_package_id}  {package.submitted_at:%Y-%m-%d}  {title}", WIDTH)
        traces = ", ".join(humanize(trace) for trace in package.traces_by_gravity)
        yield from wrap_lines(f"{plain(package.action_type)} {traces}: {_move(package)}", "      ")
    yield from rest_line(len(packages), most, "  ")


def _move(package: TriedPackage) -> str:
    if package.then is None or package.new is None:
        return ""
    sides = (
        ", ".join((describe_asking(asking), *(pair[place] for pair in differing_terms(package.then, package.new))))
        for place, asking in enumerate((package.then, package.new))
    )
    return " > ".join(dict.fromkeys(sides))


def describe_asking(asking: Asking) -> str:
    if asking.level is None:
        return "refused"
    if asking.role is None:
        return f"nobody ({humanize(asking.level)})"
    people = "" if asking.quorum == 1 else f"{asking.quorum} people, "
    return f"{people}{asking.role} ({humanize(asking.level)})"


def differing_terms(then: Asking, new: Asking) -> list[tuple[str, str]]:
    """What one of two policies requires at the same level and the other does not."""
    if then.level is not new.level:
        return []
    sides = [_terms(asking) for asking in (then, new)]
    return [pair for pair in zip(*sides, strict=True) if pair[0] != pair[1]]


def _terms(asking: Asking) -> tuple[str, ...]:
    roles = ", ".join(f"{number} {plain(role)}" for role, number in asking.of_role)
    return (
        f"among them {roles}" if roles else "of no other role",
        "comment" if asking.comment_required else "no comment",
        "Details first" if asking.details_first else "Details not required",
        f"silence after {write_duration(asking.soft_timeout)}" if asking.soft_timeout is not None else "",
    )
