"""Checks everything between the service and Slack: tokens, scopes, clock, address, channels and people.

Nothing is posted or changed. One cause is reported as one fault: checks that are impossible because Slack does not
answer, or because of a scope that is already reported as missing, are skipped.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from bot.cli.doctor.answers import answer_or_error
from bot.cli.doctor.findings import MISSING_SCOPE, Finding
from bot.cli.doctor.people import people_findings
from bot.metrics import Metrics
from bot.settings import Settings, SettingsError, require_slack
from bot.slack.outgoing.client import InstalledApp, SlackClient, web_client
from bot.slack.outgoing.faults import read_answer
from bot.slack.outgoing.scopes import SCOPES
from rules.policy.model import Policy
from scheduler.common.messenger import BusyError, UnreachableError

# Slack's Date header has whole seconds and was in transit. From 300 s on, every click would be refused.
MAX_SKEW = timedelta(seconds=30)
INVITE = "type /invite @Countersign in it"


def slack_findings(settings: Settings, policy: Policy | None, roles: Collection[str]) -> list[Finding]:
    """Run the checks. `roles` are those that a package could be assigned to and that the policy gives to someone."""
    try:
        require_slack(settings)
    except SettingsError as fault:
        return [Finding("Slack", str(fault), "put it into the environment or into .env")]
    return asyncio.run(_check_slack(settings, policy, roles))


async def _check_slack(settings: Settings, policy: Policy | None, roles: Collection[str]) -> list[Finding]:
    """Collect the findings. If Slack stops answering, those before that are kept."""
    findings: list[Finding] = []
    try:
        async with web_client(settings) as web:
            async for finding in _findings(SlackClient(web, Metrics()), settings, policy, roles):
                findings.append(finding)  # noqa: PERF401 - as above
    except (UnreachableError, BusyError) as fault:
        fix = "check that this machine reaches it and that SLACK_API_URL is right, then try again"
        findings.append(Finding(f"Slack at {settings.slack_api_url}", f"it does not answer ({fault.error})", fix))
    return findings


async def _findings(
    slack: SlackClient, settings: Settings, policy: Policy | None, roles: Collection[str]
) -> AsyncIterator[Finding]:
    answer = await answer_or_error(slack.call(slack.web.auth_test(), "team_id", "user_id"))
    if isinstance(answer, str):
        yield _refused_token("SLACK_BOT_TOKEN", answer, "copy the one that begins with xoxb-, under Install App")
        return
    installed = InstalledApp.from_auth_test(answer)
    yield Finding(f"SLACK_BOT_TOKEN, which is {installed.bot_user_id} in the workspace {installed.team_id}")
    yield _scopes(installed.scopes)
    yield _clock((answer.headers or {}).get("Date"))
    yield await _check_transport(slack, settings)
    if not settings.slack_app_token and (policy is None or policy.soft.enabled):
        yield _public_address(settings)
    if policy:
        for channel in policy.channel_ids:
            yield await _channel(slack, channel)
        async for finding in people_findings(slack, policy, roles, mailed=settings.mail is not None):
            yield finding


def _refused_token(token: str, error: str, fix: str) -> Finding:
    return Finding(token, f"Slack refuses it ({error})", f"{fix} of the app at api.slack.com/apps")


def _scopes(granted: frozenset[str]) -> Finding:
    missing = ", ".join(sorted(SCOPES - granted))
    if not missing:
        return Finding("scopes")
    fix = "paste manifest.yml again under App Manifest of the app at api.slack.com/apps, and install it again"
    return Finding("scopes", f"the token lacks {missing}", fix)


def machine_time() -> datetime:
    return datetime.now(UTC)


def _clock(date: str | None) -> Finding:
    try:
        difference = abs(machine_time() - parsedate_to_datetime(date or ""))
    except (TypeError, ValueError):
        return Finding("clock, beside that of Slack", unseen="Slack's answer bears no readable Date")
    if difference <= MAX_SKEW:
        return Finding("clock, beside that of Slack")
    fault = f"it differs from Slack's by {difference.total_seconds():.0f} s, and from 300 s on every click is refused"
    return Finding("clock", fault, "set the clock of this machine by NTP")


async def _check_transport(slack: SlackClient, settings: Settings) -> Finding:
    """Try to open Socket Mode. Over HTTP, only a request from Slack can prove the address and the signing secret."""
    token = settings.slack_app_token
    if not token:
        return Finding("SLACK_SIGNING_SECRET", unseen="only a request from Slack can prove it")
    answer = await answer_or_error(read_answer(slack.web.apps_connections_open(app_token=token.get_secret_value())))
    if isinstance(answer, str):
        fix = "turn Socket Mode on, and make a token with connections:write under Basic Information, App-Level Tokens,"
        return _refused_token("SLACK_APP_TOKEN", answer, fix)
    return Finding("SLACK_APP_TOKEN")


def _public_address(settings: Settings) -> Finding:
    subject = "COUNTERSIGN_PUBLIC_URL"
    if settings.public_url:
        return Finding(f"{subject}, {settings.public_url}", unseen="the service itself proves it: see /readyz")
    fix = "set it to the address that Slack calls, such as https://countersign.example.com"
    return Finding(subject, "is not set, so silence never counts and every soft approval is hard", fix)


async def _channel(slack: SlackClient, channel: str) -> Finding:
    answer = await answer_or_error(slack.call(slack.web.conversations_info(channel=channel), "channel"))
    if answer == "missing_scope":
        return Finding(f"channel {channel}", unseen=MISSING_SCOPE)
    if isinstance(answer, str):
        fix = f"correct its id in the policy; if it is a private one, {INVITE}"
        return Finding(f"channel {channel}", f"Slack does not show it ({answer})", fix)
    return _channel_finding(f"channel {channel}", answer["channel"])


def _channel_finding(subject: str, channel: dict[str, Any]) -> Finding:
    if channel.get("is_archived"):
        return Finding(subject, "it is archived", "unarchive it, or name another one in the policy")
    if channel.get("is_ext_shared") or channel.get("is_pending_ext_shared"):
        fault = "it is shared with another company, whose people would read the cards"
        return Finding(subject, fault, "name another one in the policy")
    if not channel.get("is_member"):
        return Finding(subject, "the app is not in it", INVITE)
    return Finding(f"{subject}, #{channel['name']}")
