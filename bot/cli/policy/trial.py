"""Tries a policy on the record: `countersign policy replay`, and in short what `countersign policy apply` shows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

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
from store.audit.reader import snapshot
from store.audit.submissions import newest_submissions_since
from store.installation.tenancy import read_tenant_id

SHORT, MAX_PACKAGES = timedelta(days=30), 2_000
_NAMED = 3
_RECORD_FAULTS = (KeyError, TypeError, ValueError)


def try_policy(policy: Policy, period: timedelta, most: int | None = None) -> Report:
    """Replay the period under the policy; with `most`, only about as many packages, the newest."""
    settings, now = read_settings(), session.now()
    with session.database(settings) as engine, snapshot(engine) as connection, progress_of("events") as tell:
        since = _start(connection, now - period, most)
        try:
            result = replay_policy(connection, Trial(policy, since, now, settings.proves_clicks), tell)
        except _RECORD_FAULTS as fault:
            raise CommandError("the record cannot be read: `countersign audit verify` says where") from fault
    return Report(policy, since, now, result, settings.proves_clicks)


def _start(connection: Connection, since: datetime, most: int | None) -> datetime:
    return newest_submissions_since(connection, read_tenant_id(connection), since, most) if most else since


def short_trial(policy: Policy, path: str) -> Iterator[str]:
    """A few lines. Whatever goes wrong here keeps nobody from applying the policy."""
    try:
        report = try_policy(policy, SHORT, MAX_PACKAGES)
    except Exception as fault:  # noqa: BLE001 - a record that cannot be read must not keep a policy from being applied
        yield f"This policy cannot be tried on earlier packages: {first_line(str(fault))}"
        return
    total = report.comparison.total
    if not total.packages:
        yield f"No package was submitted in the last {write_duration(SHORT)}."
        return
    yield f"Tried on {total.replayed} of the {total.packages} packages since {iso(report.since)}:"
    if total.replayed * 2 < total.packages:
        yield "  Most packages could not be tried."
    yield from obstacle_lines(report)
    yield f"  {describe_counts(total)}"
    yield from role_lines(report.comparison)
    yield from evidence_lines(report, _NAMED)
    yield from untried_lines(report)
    yield f"For more: countersign policy replay {path}"
