"""Checks which workspace a request comes from.

The signature proves Slack and our app, but the app may be installed in other workspaces too, so a user id counts only
together with its workspace. This module refuses only people of another workspace who would act as one of our members.
The rules refuse strangers and unknown people, with a reason of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import structlog

from blocks.kit.ids import Ref
from bot.slack.context.commands import trial_of
from bot.slack.context.listener_context import ListenerContext
from bot.slack.context.tap import person
from bot.slack.outgoing.client import InstalledApp
from rules.reasons import Reason, Refusal, refuse
from rules.state.commands import OpenDetails, Verb
from rules.state.model import PackageState
from scheduler.common.messenger import SlackError

log = structlog.get_logger()

Body = Mapping[str, Any]


class NotInstalledError(Exception):
    """Slack has not said yet where the app is installed."""


async def origin_refusal(context: ListenerContext, body: Body, user_id: str) -> Refusal | None:
    """For clicks, forms and slash commands."""
    ours = await _installation(context)
    if _is_here(body, ours) and (_matches(ours, _home_team(body)) or await _may_be_elsewhere(context, ours, user_id)):
        return None
    log.warning("slack.foreign_request", kind=body.get("type", "command"))
    context.metrics.clicks.labels("refused").inc()
    return refuse(Reason.ANOTHER_WORKSPACE)


async def _installation(context: ListenerContext) -> InstalledApp:
    """Slack is asked once. A click that arrives before Slack has answered is not carried out."""
    try:
        return await context.client.installation()
    except SlackError as fault:
        raise NotInstalledError(fault.error) from fault


async def is_ours(context: ListenerContext, body: Body) -> bool:
    """Whether an event was sent to our installation. Events of other installations say nothing about our people."""
    ours = await context.client.installation()
    installations = body.get("authorizations") or [body]
    return any(
        _matches(ours, installation.get("team_id"), installation.get("enterprise_id")) for installation in installations
    )


def _is_here(body: Body, ours: InstalledApp) -> bool:
    """In a view, `team` may be the person's workspace; `app_installed_team_id` is the workspace of the app."""
    installed = (body.get("view") or {}).get("app_installed_team_id")
    team = installed or (body.get("team") or {}).get("id") or body.get("team_id")
    enterprise = (body.get("enterprise") or {}).get("id") or body.get("enterprise_id")
    return _matches(ours, team, enterprise)


def _home_team(body: Body) -> str | None:
    """The person's workspace. A slash command only names the workspace where it was typed."""
    user = body.get("user") or {}
    return user.get("team_id") or (body.get("team") or {}).get("id") or body.get("team_id")


def _matches(ours: InstalledApp, team: str | None, enterprise: str | None = None) -> bool:
    """In an Enterprise Grid, `team` may be null or name the enterprise."""
    return team == ours.team_id or (ours.enterprise_id is not None and ours.enterprise_id in (team, enterprise))


async def _may_be_elsewhere(context: ListenerContext, ours: InstalledApp, user_id: str) -> bool:
    """Whether the home workspace of this person may be another one, as that of a guest or a member of an enterprise."""
    if user_id in context.store.installation.policy.directory.guests:
        return True
    roster = await context.store.read(context.store.installation.roster, quick=True)
    member = roster.person(user_id)
    return member is None or member.is_stranger or ours.enterprise_id is not None


Target = tuple[Verb | None, Ref | None]  # the verb and its package; without a verb, someone wanted to read the package


async def record_refusal(
    context: ListenerContext, user_id: str, refusal: Refusal, target: Target, request_id: str
) -> None:
    """Write the refusal into the package's audit log, if the request named a package."""
    verb, ref = target
    state = await context.state(ref) if ref else None
    if state is None or ref is None:
        return
    command_id, now = f"slack:elsewhere:{request_id}", context.store.clock()
    command = trial_of(verb, ref, state, now, command_id) if verb else _open_command(state, command_id)
    await context.store.execute(command, person(user_id), barred=refusal)


def _open_command(state: PackageState, command_id: str) -> OpenDetails:
    return OpenDetails(
        command_id=command_id,
        decision_package_id=state.decision_package_id,
        expected_package_version=state.version,
        rendering_id="-",
        page=1,
        of=1,
    )
