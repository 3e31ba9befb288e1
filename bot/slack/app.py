"""The Bolt app: one listener for each kind of thing that Slack sends. None of them decides anything.

Slack's answer waits for the listener, so a listener does one transaction; what takes longer is an errand.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Mapping
from http import HTTPStatus
from typing import Any

import structlog
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.response import BoltResponse

from blocks.ids import Ref
from bot.slack import forms, homes, origin, reviews, rooms, taps, workspace
from bot.slack.front import Front
from bot.slack.tap import Tap
from scheduler.messenger import SlackError
from store.workers import UnavailableError

log = structlog.get_logger()

COMMAND = "/reviews"
UNAVAILABLE = "Countersign cannot reach its database just now. Nothing was changed; please try again in a minute."
OUR_FAULT = "Something went wrong in Countersign itself. Nothing was changed; its log says what."
NOT_ANSWERED = "Slack did not show what came of this. Please look once more."
_ANSWERED = frozenset(["hash_conflict"])  # another tap was quicker, and what it drew is there
_ANY = re.compile(".*", re.DOTALL)

Body = Mapping[str, Any]


def bolt_app(front: Front) -> AsyncApp:
    """Requests are verified at the door, before Bolt reads them; and one installation needs no asking whose it is.

    So a click is taken also while Slack's own API does not answer.
    """

    async def authorize() -> AuthorizeResult:
        return AuthorizeResult(enterprise_id=None, team_id=None, bot_token=front.web.token)

    app = AsyncApp(
        client=front.web,
        logger=_quiet(),
        authorize=authorize,
        process_before_response=True,
        request_verification_enabled=False,
        attaching_function_token_enabled=False,
    )
    _listen(app, front)
    return app


def _quiet() -> logging.Logger:
    """Bolt warns of what is meant to be so, and would write whole requests into the log."""
    logger = logging.getLogger("bot.slack.bolt")
    logger.setLevel(logging.ERROR)
    return logger


def _listen(app: AsyncApp, front: Front) -> None:
    @app.action(_ANY)
    async def on_tap(ack: AsyncAck, body: dict[str, Any]) -> None:
        await ack()
        await _guarded("tap", _tapped(front, body))

    @app.view(_ANY)
    async def on_form(ack: AsyncAck, body: dict[str, Any]) -> None:
        answer: forms.Answer = {}

        async def answering() -> None:
            answer.update(await forms.submitted(front, body))

        if fault := await _guarded("form", answering()):
            front.metrics.clicks.labels("fault").inc()
            answer = forms.instead("Not possible", fault)
        await ack(**answer)

    @app.command(COMMAND)
    async def on_command(ack: AsyncAck, body: dict[str, Any]) -> None:
        answer: dict[str, Any] = {}

        async def answering() -> None:
            said = await reviews.answered(front, body)
            answer.update(text=said.text, blocks=list(said.blocks))

        fault = await _guarded("command", answering())
        await ack(text=fault) if fault else await ack(**answer)

    async def on_event(ack: AsyncAck, body: dict[str, Any]) -> BoltResponse | None:
        """What could not be kept is not acknowledged, so that Slack tells it again; and all is read anew."""
        if not await _kept(front, body):
            return BoltResponse(status=HTTPStatus.SERVICE_UNAVAILABLE)
        await ack()
        return None

    app.event(_ANY)(on_event)


async def _tapped(front: Front, body: Body) -> None:
    tap = Tap.of(body)
    if fault := await _guarded("tap", _taken(front, body, tap)):
        front.metrics.clicks.labels("fault").inc()
        await front.tell(tap, "Not possible", fault)


async def _taken(front: Front, body: Body, tap: Tap) -> None:
    refusal = await origin.refusal_of(front, body, tap.user_id)
    if refusal is None:
        await taps.tapped(front, tap)
        return
    meant = tap.asks or (None, Ref.read(tap.value))
    await origin.record(front, tap.user_id, refusal, meant, tap.trigger_id)
    await front.refuse(tap, refusal, None)


async def _kept(front: Front, body: Body) -> bool:
    try:
        if await origin.is_ours(front, body):
            await happened(front, body)
        else:
            log.warning("slack.event_of_another_workspace", kind=body["event"]["type"])
    except (UnavailableError, SlackError) as fault:
        log.warning("slack.event_not_kept", kind=body["event"]["type"], error=str(fault))
        front.spoil()
        return False
    except Exception:
        # Told again, it would fail again.
        log.exception("slack.fault", what="event")
        front.spoil()
    return True


async def happened(front: Front, body: Body) -> None:
    """What Slack tells of its own accord. Twice or late it does no harm: what gives authority is kept in its order."""
    event = body["event"]
    match event["type"]:
        case "app_home_opened" if event.get("tab") == "home":
            front.errands.send("home", homes.publish(front, event["user"]))
        case kind if kind in workspace.PEOPLE:
            await workspace.person_changed(front, event, workspace.told_by(body))
        case kind if kind in workspace.GROUPS:
            await workspace.group_changed(front, event, workspace.told_by(body))
        case workspace.MEMBERS:
            await workspace.members_changed(front, event, workspace.told_by(body))
        case kind if kind in rooms.ALL:
            await rooms.changed(front, event)
        case kind if kind in workspace.APP:
            await workspace.app_gone(front, event)
        case kind:
            log.info("slack.event", kind=kind)


async def _guarded(what: str, work: Awaitable[None]) -> str | None:
    """Nothing escapes a listener, or Bolt would take its answer back. The sentence says what is known of it."""
    try:
        await work
    except UnavailableError as fault:
        log.warning("slack.database_unavailable", what=what, error=str(fault))
        return UNAVAILABLE
    except SlackError as fault:
        log.warning("slack.not_answered", what=what, error=fault.error)
        return None if fault.error in _ANSWERED else NOT_ANSWERED
    except Exception:
        log.exception("slack.fault", what=what)
        return OUR_FAULT
    return None
