"""`countersign policy replay`: what another policy would have asked about the packages of a period, as text or JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from textwrap import wrap
from typing import Any, NamedTuple

from bot.cli.common.text import WIDTH, cut, iso, plain, table
from rules.oversight.comparison import Asking, Comparison, Counts, Involvement, Shift, Suspect, Trace
from rules.oversight.replay import Obstacle
from rules.policy.model import Policy
from rules.record.chain import rfc3339
from rules.record.status_document import display_name
from rules.wording import humanize
from store.audit.policy_replay import Result

MAX_NAMED = 20  # packages that the text names; JSON names all
_TYPE = 28

_OBSTACLES = {
    Obstacle.EMPTIED: "content emptied by retention, or altered",
    Obstacle.UNREADABLE: "written by a release that this one cannot read",
    Obstacle.POLICY: "the policy of that time cannot be read",
    Obstacle.AUTONOMY: "the autonomy that the agent had then is not known",
    Obstacle.PEOPLE: "depends on the directory of that time, which is not kept",
    Obstacle.DIFFERS: "the record and the rules differ under the policy of that time",
}


class Report(NamedTuple):
    policy: Policy
    since: datetime
    until: datetime
    result: Result

    @property
    def comparison(self) -> Comparison:
        return self.result.comparison


def replay_document(report: Report) -> dict[str, Any]:
    comparison, staffing = report.comparison, report.result.staffing
    return {
        "policy_version": report.policy.full_version,
        "since": rfc3339(report.since),
        "until": rfc3339(report.until),
        **_counts_document(comparison.total),
        "policies_then": dict(comparison.policies),
        "by_type": [{"action_type": name, **_counts_document(counts)} for name, counts in _by_type(comparison)],
        "moves": [
            {"then": _asking_document(then), "new": _asking_document(new), "packages": packages}
            for (then, new), packages in comparison.moves.most_common()
        ],
        "refusals": dict(comparison.refusals),
        "asked_before": comparison.held,
        "clicks_assumed": comparison.assumed,
        "laxer_and_waiting": comparison.waiting,
        "asked_today": {
            "directory_as_of": rfc3339(staffing.as_of) if staffing.as_of else None,
            "directory_is_current": staffing.is_known,
            "roles": [
                {"role": role, "packages": packages, "people": sorted(staffing.people.get(role, ()))}
                for role, packages in staffing.packages.most_common()
            ],
            "refused_for_lack_of_people": staffing.unstaffed if staffing.is_known else None,
        },
        "evidence": [_evidence_document(report, *entry) for entry in comparison.evidence],
    }


def _counts_document(counts: Counts) -> dict[str, Any]:
    return {
        "packages": counts.packages,
        "replayed": counts.replayed,
        "then": _by_name(Involvement, counts.then),
        "new": _by_name(Involvement, counts.new),
        "shifts": _by_name(Shift, counts.shifts),
        "not_replayable": {obstacle.value: number for obstacle, number in counts.obstacles.items()},
    }


def _by_name(names: Any, counts: Counter[Any]) -> dict[str, int]:
    return {name.value: counts[name] for name in names}


def _asking_document(asking: Asking) -> dict[str, Any]:
    return asking._asdict()


def _evidence_document(report: Report, suspect: Suspect, traces: list[Trace]) -> dict[str, Any]:
    return {
        "decision_package_id": suspect.decision_package_id,
        "title": report.result.titles.get(suspect.decision_package_id),
        "action_type": suspect.action_type,
        "submitted_at": rfc3339(suspect.submitted_at),
        "then": _asking_document(suspect.then),
        "new": _asking_document(suspect.new),
        "came_of_it": [trace.value for trace in traces],
    }


def render_replay(report: Report) -> str:
    return "\n\n".join("\n".join(section) for section in _sections(report) if section)


def _sections(report: Report) -> Iterator[list[str]]:
    total = report.comparison.total
    yield [
        f"Policy {plain(report.policy.full_version)} on the packages submitted",
        f"from {iso(report.since)} to {iso(report.until)}",
    ]
    if not total.packages:
        yield ["No package was submitted in this time."]
        return
    yield [
        f"{total.replayed} of {total.packages} packages are replayed",
        *_policies_then(report.comparison),
        *_obstacles(total),
    ]
    if total.replayed:
        yield [_types_table(report.comparison)]
        yield [_moves_table(report.comparison)]
        yield _asked_today(report)
        yield list(evidence_lines(report))
        yield list(_remarks(report.comparison))


def _policies_then(comparison: Comparison) -> Iterator[str]:
    policies = comparison.policies.most_common()
    yield from (f"  {number} came in under policy {plain(version)}" for version, number in policies[:MAX_NAMED])
    yield from _rest(len(policies))


def _rest(number: int) -> Iterator[str]:
    if number > MAX_NAMED:
        yield f"... and {number - MAX_NAMED} more; --json lists all"


def _obstacles(counts: Counts) -> Iterator[str]:
    for obstacle, number in counts.obstacles.most_common():
        yield from _wrap(f"{number} not replayable: {_OBSTACLES[obstacle]}")


def _wrap(text: str, indent: str = "  ") -> list[str]:
    return wrap(text, WIDTH, initial_indent=indent, subsequent_indent=indent + "  ", break_on_hyphens=False)


def _types_table(comparison: Comparison) -> str:
    titles = ("THEN > NEW", "ASKED", "SOFT", "SPARED", "REFUSED", "LAXER", "STRICTER")
    listed = _by_type(comparison)
    rows = [_counts_row(cut(plain(name), _TYPE), counts) for name, counts in listed[:MAX_NAMED]]
    lines = table(titles, [*rows, _counts_row("in all", comparison.total)])
    return "\n".join([lines, *_rest(len(listed))])


def _by_type(comparison: Comparison) -> list[tuple[str, Counts]]:
    """The types with the most laxer packages first."""
    return sorted(comparison.types.items(), key=lambda entry: (-entry[1].shifts[Shift.LAXER], entry[0]))


def _counts_row(name: str, counts: Counts) -> tuple[object, ...]:
    changes = (_then_and_new(counts, involvement) for involvement in Involvement)
    return (name, *changes, counts.shifts[Shift.LAXER], counts.shifts[Shift.STRICTER])


def describe_counts(counts: Counts) -> str:
    return ", ".join(f"{involvement} {_then_and_new(counts, involvement)}" for involvement in Involvement)


def _then_and_new(counts: Counts, involvement: Involvement) -> str:
    then, new = counts.then[involvement], counts.new[involvement]
    return str(then) if then == new else f"{then} > {new}"


def _moves_table(comparison: Comparison) -> str:
    changed = [(then, new, number) for (then, new), number in comparison.moves.most_common() if then != new]
    if not changed:
        return "Nothing changes for any of them."
    rows = [(number, describe_asking(then), describe_asking(new)) for then, new, number in changed[:MAX_NAMED]]
    return "\n".join([table(("PACKAGES", "THEN", "NEW"), rows), *_rest(len(changed))])


def describe_asking(asking: Asking) -> str:
    if asking.level is None:
        return "refused"
    if asking.role is None:
        return f"nobody ({humanize(asking.level)})"
    people = "" if asking.quorum == 1 else f"{asking.quorum} people, "
    return f"{people}{asking.role} ({humanize(asking.level)})"


def _asked_today(report: Report) -> list[str]:
    staffing = report.result.staffing
    if not staffing.packages:
        return []
    roles = staffing.packages.most_common()
    if staffing.as_of is None or not staffing.is_known:
        asked = table(("ROLE ASKED", "PACKAGES"), [(plain(role), number) for role, number in roles])
        return [asked, "Today's directory of people is not current, so nobody is named."]
    rows = [(plain(role), number, _people(report, role)) for role, number in roles]
    by_today = f"By today's directory, as of {iso(staffing.as_of)}. That of the time is not kept."
    lines = [table(("ROLE ASKED", "PACKAGES", "WHO COULD DECIDE"), rows), *_wrap(by_today, "")]
    if staffing.unstaffed:
        lines += _wrap(f"{staffing.unstaffed} of them would be refused today: too few people could decide them.", "")
    return lines


def _people(report: Report, role: str) -> str:
    users = sorted(report.result.staffing.people.get(role, ()))
    names = ", ".join(plain(display_name(report.result.staffing.roster, user)) for user in users)
    return f"{len(users)}: {names}" if users else "nobody"


def evidence_lines(report: Report, most: int = MAX_NAMED) -> Iterator[str]:
    """The packages that would be handled more laxly and that went wrong, or that people did not let go as they were."""
    evidence = report.comparison.evidence
    laxer = report.comparison.total.shifts[Shift.LAXER]
    if not laxer:
        return
    yield f"Laxer: {laxer}. Of these, {len(evidence)} went wrong, or people did not let them go as they were."
    if report.comparison.waiting:
        yield f"Still waiting for people, so nothing is known of them yet: {report.comparison.waiting}."
    for suspect, traces in evidence[:most]:
        title = plain(report.result.titles.get(suspect.decision_package_id) or "(text emptied by retention)")
        yield cut(f"  {suspect.decision_package_id}  {suspect.submitted_at:%Y-%m-%d}  {title}", WIDTH)
        change = f"{describe_asking(suspect.then)} > {describe_asking(suspect.new)}"
        yield from _wrap(f"{plain(suspect.action_type)} {', '.join(traces)}: {change}", "      ")
    if len(evidence) > most:
        yield f"  ... and {len(evidence) - most} more; --json lists all"


def _remarks(comparison: Comparison) -> Iterator[str]:
    if comparison.refusals:
        reasons = ", ".join(f"{reason} ({number})" for reason, number in comparison.refusals.most_common())
        yield from _wrap(f"Refused because of: {reasons}.", "")
    if comparison.held:
        yield f"Asked only because the same action was asked shortly before: {comparison.held}."
    if comparison.assumed:
        yield f"Soft only if clicks could be proven then (by today's setting): {comparison.assumed}."
