"""`countersign policy replay` as text: what another policy would have asked about the packages of a period.

`trial` makes the `Report`; this module writes it, section by section, and `replay_evidence` writes the cases.
`replay_document` is the same as JSON. `policy apply` uses `describe_counts`, `role_lines` and `untried_lines`.
"""

from __future__ import annotations

from collections.abc import Iterator

from bot.cli.common.text import cut, iso, plain, table
from bot.cli.policy.replay_document import Report
from bot.cli.policy.replay_evidence import (
    MAX_NAMED,
    describe_asking,
    differing_terms,
    evidence_lines,
    obstacle_lines,
    rest_line,
    wrap_lines,
)
from rules.oversight.asking import Asking, Involvement, Shift
from rules.oversight.comparison import Comparison, Counts, WentWrong
from rules.record.status_document import display_name

_TYPE_WIDTH = 20


def render_replay(report: Report) -> str:
    return "\n\n".join("\n".join(section) for section in _sections(report) if section)


def _sections(report: Report) -> Iterator[list[str]]:
    total = report.comparison.total
    yield [
        f"Policy {plain(report.policy.full_version)} on the packages submitted",
        f"from {iso(report.since)} to {iso(report.until)}",
    ]
    if not total.packages:
        yield ["No package was submitted in this time.", *untried_lines(report)]
        return
    yield [
        f"{total.replayed} of {total.packages} packages are replayed",
        *_policies_then(report.comparison),
        *obstacle_lines(report),
    ]
    if total.replayed:
        yield [_types_table(report), "Refused then is not known (-): packages that were refused are not kept."]
        yield _moves(report.comparison)
        yield _asked_today(report)
        yield list(evidence_lines(report))
    yield _went_wrong(report)
    yield [*_remarks(report), *untried_lines(report)]


def _policies_then(comparison: Comparison) -> Iterator[str]:
    policies = comparison.policies.most_common()
    yield from (f"  {number} came in under policy {plain(version)}" for version, number in policies[:MAX_NAMED])
    yield from rest_line(len(policies))


def _types_table(report: Report) -> str:
    titles = ("THEN > NEW", *(name.upper() for name in Involvement), *(name.upper() for name in _SHIFTS))
    rows = [_counts_row(cut(plain(name), _TYPE_WIDTH), counts) for name, counts in report.types[:MAX_NAMED]]
    lines = table(titles, [*rows, _counts_row("in all", report.comparison.total)])
    return "\n".join([lines, *rest_line(len(report.types))])


_SHIFTS = (Shift.LAXER, Shift.OTHER, Shift.STRICTER)


def _counts_row(name: str, counts: Counts) -> tuple[object, ...]:
    changes = (_then_and_new(counts, involvement) for involvement in Involvement)
    return (name, *changes, *(counts.shifts[shift] for shift in _SHIFTS))


def describe_counts(counts: Counts) -> str:
    return ", ".join(f"{involvement} {_then_and_new(counts, involvement)}" for involvement in Involvement)


def _then_and_new(counts: Counts, involvement: Involvement) -> str:
    then, new = counts.then[involvement], counts.new[involvement]
    if involvement is Involvement.REFUSED:
        return f"- > {new}" if new else "-"
    return str(then) if then == new else f"{then} > {new}"


def _moves(comparison: Comparison) -> list[str]:
    changed = [(then, new, number) for (then, new), number in comparison.moves.most_common() if then != new]
    lines = [_moves_table(changed), *rest_line(len(changed))] if changed else ["All of them are asked the same."]
    return [*lines, *role_lines(comparison)]


def _moves_table(changed: list[tuple[Asking, Asking, int]]) -> str:
    titles = ("PACKAGES", "THEN", "NEW")
    rows: list[tuple[str, str, str]] = []
    for then, new, number in changed[:MAX_NAMED]:
        rows.append((f"{number:>{len(titles[0])}}", describe_asking(then), describe_asking(new)))
        rows += [("", f"  {one}", f"  {other}") for one, other in differing_terms(then, new)]
    return table(titles, rows)


def role_lines(comparison: Comparison) -> list[str]:
    if not comparison.changed_roles:
        return []
    roles = ", ".join(plain(role) for role in sorted(comparison.changed_roles))
    return wrap_lines(f"The policy changes who holds these roles, or how far they reach: {roles}.", "")


def _asked_today(report: Report) -> list[str]:
    staffing = report.result.staffing
    if not staffing.packages:
        return []
    roles = staffing.packages.most_common()
    if staffing.as_of is None or not staffing.is_known:
        roles_table = table(("ROLE ASKED", "PACKAGES"), [(plain(role), number) for role, number in roles])
        return [roles_table, "Today's directory of people is not current, so nobody is named."]
    rows = [(plain(role), number, _people(report, role)) for role, number in roles]
    by_today = f"By today's directory, as of {iso(staffing.as_of)}. That of the time is not kept."
    lines = [table(("ROLE ASKED", "PACKAGES", "WHO COULD DECIDE"), rows), *wrap_lines(by_today, "")]
    if staffing.unstaffed:
        number = staffing.unstaffed
        lines += wrap_lines(f"{number} of them would be refused today: too few people could decide them.", "")
    return lines


def _people(report: Report, role: str) -> str:
    staffing = report.result.staffing
    users = sorted(staffing.people.get(role, ()))
    names = ", ".join(plain(display_name(staffing.roster, user)) for user in users)
    if role in staffing.unread:
        return f"members of a group not known yet; others: {names}" if users else "members not known yet"
    return f"{len(users)}: {names}" if users else "nobody"


def _went_wrong(report: Report) -> list[str]:
    by_type = report.comparison.went_wrong
    if not by_type:
        return []
    titles = ("WENT WRONG", *(name.upper() for name in Involvement), "NOT REPLAYABLE")
    listed = sorted(by_type.items(), key=lambda entry: (-entry[1].packages, entry[0]))
    rows = [_wrong_row(name, wrong) for name, wrong in listed[:MAX_NAMED]]
    return [table(titles, rows), *rest_line(len(listed)), "By what the new policy asks of them."]


def _wrong_row(name: str, wrong: WentWrong) -> tuple[object, ...]:
    return (
        cut(plain(name), _TYPE_WIDTH),
        *(wrong.new[involvement] for involvement in Involvement),
        wrong.not_replayable,
    )


def _remarks(report: Report) -> Iterator[str]:
    comparison = report.comparison
    if comparison.refusals:
        reasons = ", ".join(f"{reason} ({number})" for reason, number in comparison.refusals.most_common())
        yield from wrap_lines(f"Refused because of: {reasons}.", "")
    if comparison.held:
        held = f"Asked, or asked for more, only because of an earlier package with the same action: {comparison.held}."
        yield from wrap_lines(held, "")
    if comparison.assumed and report.clicks_provable:
        yield f"Soft only if clicks could be proven then (by today's setting): {comparison.assumed}."
    elif comparison.assumed:
        yield f"Soft if clicks could be proven then (not by today's setting): {comparison.assumed}."


def untried_lines(report: Report) -> list[str]:
    untried = report.result.untried
    if not untried:
        return []
    named = ", ".join(plain(name) for name in untried[:MAX_NAMED])
    more = f" and {len(untried) - MAX_NAMED} more" if len(untried) > MAX_NAMED else ""
    return wrap_lines(f"Changed, and not tried: {named}{more}.", "")
