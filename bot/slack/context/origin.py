"""Which workspace something comes from. A signature proves Slack and our app, but the app may be installed elsewhere.

A user id counts only together with its workspace. A stranger or an unknown person is left to the rules, which refuse
them with their own reason; here it is refused that somebody acts as one of our members from another workspace.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import structlog

from blocks.kit.ids import Ref
from bot.slack.context.front import Front
from bot.slack.context.tap import person
from bot.slack.context.wording import trial_of
from bot.slack.outgoing.client import Installed
from rules.reasons import Reason, Refusal, refuse
from rules.state.commands import OpenDetails, Verb
from rules.state.model import PackageState
from scheduler.common.messenger import SlackError

log = structlog.get_logger()

Body = Mapping[str, Any]


class NotInstalledError(Exception):
    """Slack has not said yet where the app is installed."""


async def refusal_of(front: Front, body: Body, user_id: str) -> Refusal | None:
    """For clicks, forms and slash commands."""
    ours = await _installed(front)
    if _is_here(body, ours) and (_is_of(ours, _home(body)) or await _may_be_elsewhere(front, ours, user_id)):
        return None
    log.warning("slack.another_workspace", kind=body.get("type", "command"))
    front.metrics.clicks.labels("refused").inc()
    return refuse(Reason.ANOTHER_WORKSPACE)


async def _installed(front: Front) -> Installed:
    """Slack is asked for it once. A click that comes before Slack has answered is not carried out."""
    try:
        return await front.client.installed()
    except SlackError as fault:
        raise NotInstalledError(fault.error) from fault


async def is_ours(front: Front, body: Body) -> bool:
    """Whether an event is told to our installation: what another one is told says nothing of our people."""
    ours = await front.client.installed()
    told = body.get("authorizations") or [body]
    return any(_is_of(ours, each.get("team_id"), each.get("enterprise_id")) for each in told)


def _is_here(body: Body, ours: Installed) -> bool:
    """In a view `team` may be the workspace of the person; the one of the app stands beside it."""
    installed = (body.get("view") or {}).get("app_installed_team_id")
    team = installed or (body.get("team") or {}).get("id") or body.get("team_id")
    enterprise = (body.get("enterprise") or {}).get("id") or body.get("enterprise_id")
    return _is_of(ours, team, enterprise)


def _home(body: Body) -> str | None:
    """The person's workspace. A slash command has only the one where it was typed."""
    user = body.get("user") or {}
    return user.get("team_id") or (body.get("team") or {}).get("id") or body.get("team_id")


def _is_of(ours: Installed, team: str | None, enterprise: str | None = None) -> bool:
    """In an Enterprise Grid `team` may be null, or name the enterprise."""
    return team == ours.team_id or (ours.enterprise_id is not None and ours.enterprise_id in (team, enterprise))


async def _may_be_elsewhere(front: Front, ours: Installed, user_id: str) -> bool:
    """In an enterprise a member may have another workspace as home; the directory knows whether they are a member."""
    if user_id in front.store.house.policy.directory.guests:
        return True
    roster = await front.store.read(front.store.house.roster, quick=True)
    known = roster.person(user_id)
    return known is None or known.is_stranger or ours.enterprise_id is not None


Meant = tuple[Verb | None, Ref | None]  # what it was for; without a verb somebody wanted to read the package


async def record(front: Front, user_id: str, refusal: Refusal, meant: Meant, fresh: str) -> None:
    """Among the events of the package, if it was for one."""
    verb, ref = meant
    state = await front.state(ref) if ref else None
    if state is None or ref is None:
        return
    command_id, now = f"slack:elsewhere:{fresh}", front.store.clock()
    command = trial_of(verb, ref, state, now, command_id) if verb else _reading(state, command_id)
    await front.store.carry_out(command, person(user_id), barred=refusal)


def _reading(state: PackageState, command_id: str) -> OpenDetails:
    return OpenDetails(
        command_id=command_id,
        decision_package_id=state.decision_package_id,
        expected_package_version=state.version,
        rendering_id="-",
        page=1,
        of=1,
    )
