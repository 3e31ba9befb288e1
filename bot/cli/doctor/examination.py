"""`countersign doctor`: finds what keeps the service from working, and says what to do about each fault.

It checks the settings, the policy, the database, the key and Slack, in this order, and changes nothing.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import Connection, func, select
from sqlalchemy.exc import DBAPIError

from blocks.home.troubles import APP_GONE, SOCKET_OFF
from bot.cli.common.command_error import CommandError
from bot.cli.common.faults import first_line
from bot.cli.common.session import database_unchecked, now
from bot.cli.common.text import plain
from bot.cli.doctor.findings import Finding
from bot.keys import key_file, signing_key
from bot.settings import Settings, SettingsError, read_settings, require_slack
from rules.policy.model import Policy
from rules.policy.parse import PolicyError, read_policy
from rules.policy.summary import NAME_ADMINS, NOBODY_ALERTED
from store.audit.tenant_record import TENANT_EVENTS
from store.commands.policies import active_digest
from store.commands.write import EVENTS
from store.engine.address import parse_database_url
from store.engine.engines import begin_immediate
from store.installation.policy_texts import FIX, UnreadablePolicyError, load_policy
from store.installation.tenancy import INSTALLATION, read_tenant_id
from store.migrations.migrate import SchemaError, require_current
from store.outbox import callback_admin, troubles

MAX_SKEW = timedelta(seconds=5)  # between this machine's clock and the newest event, or the database's clock
RECENT = timedelta(days=7)  # older failures of callbacks are not reported again
REPORT = Path("countersign-live-report.md")

Live = Annotated[
    str | None,
    typer.Option(
        help="Instead, try in this channel what only Slack can tell: post samples, and ask you to press and look.",
        metavar="CHANNEL",
        show_default=False,
    ),
]
Report = Annotated[Path, typer.Option(help="With --live: a new file for the report.", metavar="FILE")]
Steps = Annotated[
    list[str] | None,
    typer.Option("--step", help="With --live: only this step; can be repeated.", metavar="NAME", show_default=False),
]
SendTest = Annotated[
    str | None,
    typer.Option(
        "--send-test", help="Instead, send a test mail to this address.", metavar="ADDRESS", show_default=False
    ),
]
Keep = Annotated[bool, typer.Option("--keep", help="With --live: leave the samples in the channel.")]


def doctor(
    live: Live = None,
    report: Report = REPORT,
    step: Steps = None,
    send_test: SendTest = None,
    *,
    keep: Keep = False,
) -> None:
    """Check the setup.

    Says what to do about each fault, and exits with 1 on any. A line that begins with `warn` names what works and
    should be better, and one with `skip` what could not be looked at, and why.
    """
    if live:
        raise typer.Exit(_try_live(live, report, step or [], keep=keep))
    findings = [_send_test(send_test)] if send_test else list(_examine())
    for finding in findings:
        typer.echo("\n".join(finding.lines()))
    if any(finding.fault for finding in findings):
        raise typer.Exit(1)


def _try_live(channel: str, report: Path, steps: list[str], *, keep: bool) -> int:
    settings = read_settings()
    require_slack(settings)
    from bot.cli.doctor.live_run.command import run_live  # noqa: PLC0415 - slow to import

    return run_live(settings, channel, report, steps, keep=keep)


def _send_test(address: str) -> Finding:
    from bot.cli.doctor.mail import send_test_mail  # noqa: PLC0415 - slow to import

    return send_test_mail(read_settings(), address)


def _examine() -> Iterator[Finding]:
    try:
        settings = read_settings()
    except SettingsError as fault:
        yield Finding("settings", str(fault), "correct it in the environment or in .env")
        return
    yield Finding("settings")
    policy = yield from _policy(settings)
    yield from _database(settings, policy)
    yield _key(settings)
    from bot.cli.doctor.mail import mail_finding  # noqa: PLC0415 - slow to import

    yield mail_finding(settings)
    from bot.cli.doctor.feed import feed_findings  # noqa: PLC0415 - slow to import

    yield from feed_findings(settings)
    from bot.cli.doctor.slack import slack_findings  # noqa: PLC0415 - slow to import

    yield from slack_findings(
        settings, policy, sorted(policy.required_roles.difference(policy.unheld_roles)) if policy else ()
    )


def _policy(settings: Settings) -> Generator[Finding, None, Policy | None]:
    subject = f"policy {settings.policy}"
    try:
        policy = read_policy(settings.policy.read_bytes())
    except OSError as fault:
        yield Finding(
            subject, fault.strerror or "cannot be read", "set COUNTERSIGN_POLICY to the file, or put it there"
        )
        return None
    except PolicyError as error:
        yield from (Finding(subject, str(fault), f"correct {fault.key or 'the file'} in it") for fault in error.faults)
        return None
    yield Finding(f"{subject}, version {policy.full_version}")
    yield from (_unheld(role) for role in policy.unheld_roles)
    yield _told_of_troubles(policy)
    return policy


def _told_of_troubles(policy: Policy) -> Finding:
    subject = "who is told of troubles"
    if policy.alert_recipients:
        return Finding(f"{subject}: {', '.join(policy.alert_recipients)}")
    return Finding(subject, NOBODY_ALERTED, NAME_ADMINS)


def _unheld(role: str) -> Finding:
    fix = f"put Slack ids into `members` or `groups` of [roles.{role}], or of a role that includes it"
    return Finding(f"role {role}", "nobody holds it, so packages that need it are refused", fix)


def _database(settings: Settings, policy: Policy | None) -> Iterator[Finding]:
    subject = f"database {parse_database_url(settings.database_url).render_as_string(hide_password=True)}"
    try:
        with database_unchecked(settings) as engine, engine.connect() as connection:
            yield from _check_database(subject, connection, policy)
    except CommandError as fault:
        yield Finding(subject, str(fault).partition(";")[0], "run: countersign migrate")
    except DBAPIError as fault:
        yield Finding(subject, first_line(str(fault.orig)), "start it, or correct COUNTERSIGN_DATABASE_URL")


def _check_database(subject: str, connection: Connection, policy: Policy | None) -> Iterator[Finding]:
    try:
        require_current(connection)
    except SchemaError as error:
        fault, _, fix = str(error).partition("; ")
        yield Finding(subject, fault, fix)
        return
    yield Finding(subject)
    if policy:
        yield from _policy_in_force(connection, policy)
    yield _writable(connection)
    yield _clock(connection)
    yield from _callbacks(connection)
    yield from _undelivered(connection)


def _policy_in_force(connection: Connection, policy: Policy) -> Iterator[Finding]:
    digest = active_digest(connection)
    if digest is None:  # the first start applies the file
        return
    try:
        current = load_policy(connection, digest)
    except UnreadablePolicyError as fault:
        yield Finding("policy in force", str(fault), FIX)
        return
    if current.has_same_content(policy):
        yield Finding("policy in force")
        return
    other = f"version {current.full_version} is in force, and not this file"
    yield Finding("policy in force", other, "run: countersign policy apply FILE (with --again for an earlier policy)")


def _writable(connection: Connection) -> Finding:
    """Write something and roll it back: permissions alone do not reveal a full disk or a standby server."""
    connection.rollback()
    try:
        begin_immediate(connection)
        connection.execute(INSTALLATION.update().values(frozen=INSTALLATION.c.frozen))
    except DBAPIError as fault:
        fix = "let this user write to the file and its folder, and check that no other program locks it"
        return Finding("writing", first_line(str(fault.orig)), fix)
    finally:
        connection.rollback()
    return Finding("writing")


def _clock(connection: Connection) -> Finding:
    """Compare the clock with the newest event, which cannot be in the future, and with the clock of PostgreSQL."""
    newest, moment = _newest_event(connection), now()
    skew = newest - moment if newest else timedelta(0)
    if connection.dialect.name == "postgresql":
        difference = connection.execute(select(func.clock_timestamp())).scalar_one() - now()
        skew = max(skew, abs(difference))
    if skew <= MAX_SKEW:
        return Finding("clock")
    return Finding("clock", f"it differs by {skew.total_seconds():.0f} s", "set the clocks of all machines by NTP")


def _callbacks(connection: Connection) -> Iterator[Finding]:
    since = now() - RECENT
    dead = callback_admin.count_dead_since(connection, since)
    closed = callback_admin.addresses_closed_since(connection, since)
    if dead:
        fix = "`countersign callbacks list` says why of each; then run: countersign callbacks resend --all"
        yield Finding("callbacks", f"{dead} of the last {RECENT.days} days were given up", fix)
    for url in closed:
        fix = "when its receiver is back, run `countersign callbacks enable` with this address"
        yield Finding("callbacks", f"{plain(url)} answered 410 Gone, and nothing is sent there any more", fix)
    if not dead and not closed:
        count = callback_admin.count_callbacks(connection)
        yield Finding(f"callbacks, {count.due + count.waiting:.0f} on their way")


def _undelivered(connection: Connection) -> Iterator[Finding]:
    """Report Slack's refusals as the service last saw them. They end when the service next succeeds there."""
    fix = "let the app post there, or name another channel in the policy; the next card that is shown there ends this"
    for trouble in troubles.current_troubles(connection, read_tenant_id(connection)):
        since = f"since {trouble.since:%Y-%m-%d %H:%M} UTC: {plain(trouble.error)}"
        match trouble.place:
            case troubles.APP:
                yield Finding("the Slack app", f"Slack does nothing for it {since}", APP_GONE)
            case troubles.SOCKET:
                yield Finding("Socket Mode", f"Slack refuses the connection {since}", SOCKET_OFF)
            case place:
                yield Finding(f"cards in {plain(place)}", f"Slack refuses to show anything there {since}", fix)


def _newest_event(connection: Connection) -> datetime | None:
    tenant_id, tables = read_tenant_id(connection), (EVENTS, TENANT_EVENTS)
    queries = (select(func.max(table.c.occurred_at)).where(table.c.tenant_id == tenant_id) for table in tables)
    newest = [connection.execute(query).scalar_one() for query in queries]
    return max((moment for moment in newest if moment), default=None)


def _key(settings: Settings) -> Finding:
    path = key_file(settings)
    if settings.key is None and path is not None and not path.exists():
        return Finding("key", unseen=f"there is none yet; `serve`, `agents add` or an export makes it, in {path}")
    try:
        return Finding(f"key, whose public half is {signing_key(settings).public}")
    except SettingsError as fault:
        return Finding("key", str(fault), "set COUNTERSIGN_KEY: `openssl rand -base64 32` makes one")
