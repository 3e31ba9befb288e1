"""Tries a policy on the record: `countersign policy replay`, and in short what `countersign policy apply` shows.

`store.audit.policy_replay` replays the events on a snapshot of the database, so the service can run meanwhile.
`short_trial` is bounded in packages and time, because it stands between the operator and an urgent policy.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from time import monotonic
from typing import NamedTuple

from sqlalchemy import Connection

from bot.cli.common import session
from bot.cli.common.command_error import CommandError
from bot.cli.common.faults import first_line
from bot.cli.common.output import progress_of
from bot.cli.common.text import iso
from bot.cli.policy.replay_document import Report
from bot.cli.policy.replay_evidence import evidence_lines, obstacle_lines
from bot.cli.policy.replaying import describe_counts, role_lines, untried_lines
from bot.settings import read_settings
from rules.policy.model import Policy
from rules.values import write_duration
from store.audit.policy_replay import Trial, replay_policy
from store.audit.reader import Progress, snapshot
from store.audit.submissions import begin_of_newest_submissions
from store.installation.tenancy import read_tenant_id

# The bounds of `short_trial`.
SHORT_PERIOD, MAX_PACKAGES, MAX_TIME = timedelta(days=30), 2_000, timedelta(seconds=10)
_MAX_NAMED = 3
_RECORD_FAULTS = (KeyError, TypeError, ValueError)


def try_policy(policy: Policy, period: timedelta, bound: Bound | None = None) -> Report:
    """Replay the period under the policy."""
    settings, now = read_settings(), session.now()
    with session.database(settings) as engine, snapshot(engine) as connection, progress_of("events") as tell:
        since = _start(connection, now - period, bound)
        try:
            result = replay_policy(
                connection, Trial(policy, since, now, settings.can_prove_clicks), _bounded(tell, bound)
            )
        except _RECORD_FAULTS as fault:
            raise CommandError("the record cannot be read: `countersign audit verify` says where") from fault
    return Report(policy, since, now, result, settings.can_prove_clicks)


class Bound(NamedTuple):
    """Replay about this many of the newest packages, and give up after this time."""

    packages: int
    time: timedelta


class TookTooLongError(Exception):
    def __init__(self, time: timedelta) -> None:
        super().__init__(f"it took more than {write_duration(time)}")


def _start(connection: Connection, since: datetime, bound: Bound | None) -> datetime:
    if bound is None:
        return since
    return begin_of_newest_submissions(connection, read_tenant_id(connection), since, bound.packages)


def _bounded(tell: Progress, bound: Bound | None) -> Progress:
    if bound is None:
        return tell
    end = monotonic() + bound.time.total_seconds()

    def tell_in_time(done: int, total: int) -> None:
        if monotonic() > end:
            raise TookTooLongError(bound.time)
        tell(done, total)

    return tell_in_time


def short_trial(policy: Policy, path: str) -> Iterator[str]:
    """A few lines. Whatever goes wrong here keeps nobody from applying the policy, and Ctrl-C ends only this."""
    try:
        report = try_policy(policy, SHORT_PERIOD, Bound(MAX_PACKAGES, MAX_TIME))
    except KeyboardInterrupt:
        yield f"Not tried on earlier packages. To try it: countersign policy replay {path}"
        return
    except Exception as fault:  # noqa: BLE001 - a record that cannot be read must not keep a policy from being applied
        yield f"Not tried on earlier packages: {first_line(str(fault))}"
        yield f"To try it: countersign policy replay {path}"
        return
    total = report.comparison.total
    if not total.packages:
        yield f"No package was submitted in the last {write_duration(SHORT_PERIOD)}."
        return
    yield f"Tried on {total.replayed} of the {total.packages} packages since {iso(report.since)}:"
    if total.replayed * 2 < total.packages:
        yield "  Most packages could not be tried."
    yield from obstacle_lines(report)
    yield f"  {describe_counts(total)}"
    yield from role_lines(report.comparison)
    yield from evidence_lines(report, _MAX_NAMED)
    yield from untried_lines(report)
    yield f"For more: countersign policy replay {path}"
