"""Checks the receivers of the operators' feed: posts a test event to the webhook, and opens the file.

The webhook gets a real event of the type of a test, which the receiver may ignore. If the service is running, its own
troubles with the feed are reported too.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from sqlalchemy.exc import DBAPIError

from bot.cli.common import session
from bot.cli.common.command_error import CommandError
from bot.cli.common.text import iso, plain
from bot.cli.doctor.findings import Finding
from bot.feed.file import STDOUT, FeedFile, reason_of
from bot.feed.target import ALLOW_FEED, EXPOSED, USE_HTTPS, FeedTarget
from bot.feed_wiring import feed_client
from bot.settings import Settings
from rules.record.chain import rfc3339
from rules.record.cloud_event import probe_event
from scheduler.feed.receiver import Receipt
from scheduler.feed.webhook import FeedWebhook
from store.feed import feed_admin
from store.feed.feed_admin import FeedReport
from store.installation.installation import fresh_id
from store.migrations.migrate import SchemaError

SEE_STATUS = "countersign feed status shows which and why; countersign feed skip ID gives up the event"
OFF = "set COUNTERSIGN_FEED_URL or COUNTERSIGN_FEED_FILE to send the audit events to a SIEM"
_FIX = "check COUNTERSIGN_FEED_URL, and that the receiver answers 2xx to a signed CloudEvent"
# What to do, by words of the error.
_FIXES = {
    "inside": f"if the receiver is in your network, name the network in {ALLOW_FEED}, such as 10.1.0.0/16",
    "answered 401": "give the receiver the same COUNTERSIGN_FEED_SECRET",
    "answered 403": "give the receiver the same COUNTERSIGN_FEED_SECRET",
    "certificate": "use the name in the receiver's certificate, and an authority that this machine trusts",
}


def feed_findings(settings: Settings) -> list[Finding]:
    findings = [_webhook(settings, target)] if (target := settings.feed_target) else []
    findings += [_exposure(target)] if target and target.is_exposed else []
    findings += [_file(settings.feed_file)] if settings.feed_file else []
    findings += _troubles(settings)
    return findings or [Finding("operators' feed", unseen=f"it is off; {OFF}")]


def _troubles(settings: Settings) -> list[Finding]:
    """The trouble of the running service. The doctor may run on another machine or as another user, and have none."""
    if not settings.feeds:
        return []
    try:
        reports = session.query(feed_admin.report_feeds)
    except (CommandError, DBAPIError, SchemaError):
        return []  # it is a fault of the database, which has its own line
    return [_trouble(report) for report in reports if report.feed in settings.feeds]


def _trouble(report: FeedReport) -> Finding:
    subject, since = f"operators' feed to the {report.feed}, as the service sees it", report.lane.failing_since
    if report.is_in_trouble and since:
        fault = f"fails since {iso(since)}: {plain(report.lane.last_error or '')}"
        return Finding(subject, fault, "correct that; nothing is lost, and the events follow")
    if report.held:
        return Finding(subject, f"refuses the next event of {report.held} packages or threads", SEE_STATUS)
    return Finding(subject)


def _webhook(settings: Settings, target: FeedTarget) -> Finding:
    subject = f"operators' feed to {target.shown}, with a test event"
    error = asyncio.run(_post_test(settings, target)).error
    fix = next((fix for words, fix in _FIXES.items() if error and words in error), _FIX)
    return Finding(subject, error, fix) if error else Finding(subject)


def _exposure(target: FeedTarget) -> Finding:
    return Finding(f"operators' feed to {target.shown}", warning=EXPOSED, fix=USE_HTTPS)


async def _post_test(settings: Settings, target: FeedTarget) -> Receipt:
    async with feed_client(settings) as client:
        event = probe_event(fresh_id(), rfc3339(datetime.now(UTC)))
        return await FeedWebhook(client, target.url, target.secrets).take([event])


def _file(name: str) -> Finding:
    subject = f"operators' feed to {'stdout' if name == STDOUT else name}"
    file = FeedFile(name)
    try:
        file.check()
    except OSError as fault:
        return Finding(subject, reason_of(fault), "let the service write there, or name another file")
    finally:
        file.close()
    return Finding(subject)
