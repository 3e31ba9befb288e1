"""`countersign policy replay --json`: all that a replay gives. Every count is there, also if it is zero.

`Report` is also what the text is written from (`replaying`, `replay_evidence`). The names are part of the command's
interface: scripts read them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from rules.oversight.aftermath import Ending, EvidenceGroup, TriedPackage
from rules.oversight.asking import Asking, Involvement, Shift
from rules.oversight.comparison import Comparison, Counts, WentWrong
from rules.oversight.replay import Obstacle
from rules.policy.model import Policy
from rules.record.chain import rfc3339
from rules.values import write_duration
from store.audit.policy_replay import Result
from store.audit.staffing import Staffing


class Report(NamedTuple):
    """`clicks_provable`: whether clicks can be proven today."""

    policy: Policy
    since: datetime
    until: datetime
    result: Result
    clicks_provable: bool = True

    @property
    def comparison(self) -> Comparison:
        return self.result.comparison

    @property
    def types(self) -> list[tuple[str, Counts]]:
        """Those with the most laxer packages first, then those that ask another role."""
        types = self.comparison.types.items()
        return sorted(types, key=lambda entry: (*(-entry[1].shifts[shift] for shift in _FIRST), entry[0]))


_FIRST = (Shift.LAXER, Shift.OTHER)


def replay_document(report: Report) -> dict[str, Any]:
    """The report as JSON values. What cannot be known is None."""
    comparison = report.comparison
    wrong = comparison.went_wrong
    return {
        "policy_version": report.policy.full_version,
        "since": rfc3339(report.since),
        "until": rfc3339(report.until),
        **_counts_document(comparison.total),
        "went_wrong": _sum_document(wrong),
        "policies_then": dict(comparison.policies),
        "by_type": [
            {"action_type": name, **_counts_document(counts), "went_wrong": _sum_document({name: wrong.get(name)})}
            for name, counts in report.types
        ],
        "moves": [
            {"then": _asking_document(then), "new": _asking_document(new), "packages": packages}
            for (then, new), packages in comparison.moves.most_common()
        ],
        "refusals": dict(comparison.refusals),
        "asked_before": comparison.held,
        "clicks_assumed": comparison.assumed,
        "clicks_provable_today": report.clicks_provable,
        "roles_with_other_people": sorted(comparison.changed_roles),
        "not_compared": report.result.untried,
        "asked_today": _staffing_document(report.result.staffing),
        "laxer_without_trace": _by_name(Ending, comparison.endings),
        "evidence": [
            _evidence_document(report, group, package)
            for group in EvidenceGroup
            for package in comparison.evidence(group)
        ],
    }


def _counts_document(counts: Counts) -> dict[str, Any]:
    return {
        "packages": counts.packages,
        "replayed": counts.replayed,
        "then": _by_name(Involvement, counts.then) | {Involvement.REFUSED.value: None},  # they are not kept
        "new": _by_name(Involvement, counts.new),
        "shifts": _by_name(Shift, counts.shifts),
        "not_replayable": _by_name(Obstacle, counts.obstacles),
    }


def _sum_document(wrong: dict[str, Any]) -> dict[str, int]:
    parts: Iterator[WentWrong] = filter(None, wrong.values())
    total = WentWrong()
    for part in parts:
        total.new += part.new
        total.not_replayable += part.not_replayable
    return _by_name(Involvement, total.new) | {"not_replayable": total.not_replayable}


def _by_name(names: type[StrEnum], counts: Counter[Any]) -> dict[str, Any]:
    return {name.value: counts[name] for name in names}


def _asking_document(asking: Asking | None) -> dict[str, Any] | None:
    if asking is None:
        return None
    timeout = write_duration(asking.soft_timeout) if asking.soft_timeout is not None else None
    return asking._asdict() | {"of_role": dict(asking.of_role), "soft_timeout": timeout}


def _staffing_document(staffing: Staffing) -> dict[str, Any]:
    return {
        "directory_as_of": rfc3339(staffing.as_of) if staffing.as_of else None,
        "directory_is_current": staffing.is_known,
        "roles": [
            {
                "role": role,
                "packages": packages,
                "people": sorted(staffing.people.get(role, ())),
                "members_are_known": role not in staffing.unread,
            }
            for role, packages in staffing.packages.most_common()
        ],
        "refused_for_lack_of_people": staffing.unstaffed if staffing.is_known else None,
    }


def _evidence_document(report: Report, group: EvidenceGroup, package: TriedPackage) -> dict[str, Any]:
    return {
        "group": group.value,
        "decision_package_id": package.decision_package_id,
        "title": report.result.titles.get(package.decision_package_id),
        "action_type": package.action_type,
        "submitted_at": rfc3339(package.submitted_at),
        "not_replayable": package.obstacle,
        "then": _asking_document(package.then),
        "new": _asking_document(package.new),
        "came_of_it": [trace.value for trace in package.traces_by_gravity],
    }
