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
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse

from blocks.kit.ids import Ref
from bot.slack.clicks import forms, taps
from bot.slack.context import failed, origin
from bot.slack.context.front import Front
from bot.slack.context.tap import Tap
from bot.slack.events import rooms, workspace
from bot.slack.home import home
from bot.slack.payloads import fault_in
from bot.slack.slash import reviews
from bot.slack.transport.probe import PROBE, nonce_of
from scheduler.common.messenger import SlackError
from store.engine.workers import UnavailableError
from store.installation.policy_texts import UnreadablePolicyError

log = structlog.get_logger()

COMMAND = "/reviews"
UNREADABLE = (
    "This part of Countersign runs an older release and cannot read your policy. Nothing was changed; try again."
)
UNAVAILABLE = "Countersign cannot reach its database just now. Nothing was changed; please try again in a minute."
OUR_FAULT = "Something went wrong in Countersign itself. Nothing was changed; its log says what."
NOT_ANSWERED = "Slack did not show what came of this. Please look once more."
_NOT_DONE = frozenset([UNAVAILABLE, UNREADABLE, OUR_FAULT])
_ANSWERED = frozenset(["hash_conflict"])  # another tap was quicker, and what it drew is there
_ANY = re.compile(".*", re.DOTALL)

Body = Mapping[str, Any]


def bolt_app(front: Front) -> AsyncApp:
    """Requests are verified at the door, before Bolt reads them; and one installation needs no asking whose it is.

    So a click is taken also while Slack's own API does not answer.
    """

    async def authorize() -> AuthorizeResult:
        return AuthorizeResult(enterprise_id=None, team_id=None, bot_token=front.web.token)

    app = _ReadingApp(
        front,
        name="countersign",  # without one, Bolt reads the source of everything that called it
        client=front.web,
        logger=_quiet(),
        authorize=authorize,
        process_before_response=True,
        request_verification_enabled=False,
        attaching_function_token_enabled=False,
    )
    _listen(app, front)
    return app


class _ReadingApp(AsyncApp):
    """Bolt, which gets only what is as Slack sends it: anything else makes Bolt or a listener raise."""

    def __init__(self, front: Front, **options: Any) -> None:
        super().__init__(**options)
        self._front = front

    async def async_dispatch(self, req: AsyncBoltRequest) -> BoltResponse:
        if fault := fault_in(req.body):
            return failed.unreadable(self._front, req.body, fault)
        return await super().async_dispatch(req)


def _quiet() -> logging.Logger:
    """Bolt warns of what is meant to be so, and would write whole requests into the log."""
    logger = logging.getLogger("bot.slack.bolt")
    logger.setLevel(logging.ERROR)
    return logger


def _listen(app: AsyncApp, front: Front) -> None:
    @app.action(_ANY)
    async def on_tap(ack: AsyncAck, body: dict[str, Any]) -> BoltResponse:
        fault = await _carried_out(front, "tap", _tapped(front, body))
        if fault:
            await _guarded("tap", _told(front, body, fault))
        return failed.unavailable() if _lost(front, body, fault) else await ack()

    @app.view(_ANY)
    async def on_form(ack: AsyncAck, body: dict[str, Any]) -> BoltResponse:
        answer: forms.Answer = {}

        async def answering() -> None:
            answer.update(await forms.submitted(front, body))

        fault = await _carried_out(front, "form", answering())
        if _lost(front, body, fault):
            return failed.unavailable()
        return await ack(**forms.instead("Not possible", fault) if fault else answer)

    @app.command(COMMAND)
    async def on_command(ack: AsyncAck, body: dict[str, Any]) -> None:
        answer: dict[str, Any] = {}

        async def answering() -> None:
            said = await reviews.answered(front, body)
            answer.update(text=said.text, blocks=list(said.blocks))

        fault = await _carried_out(front, "command", answering())
        await ack(text=fault) if fault else await ack(**answer)

    async def on_event(ack: AsyncAck, body: dict[str, Any]) -> BoltResponse:
        return await _refused(front, body) or await ack()

    app.event(_ANY)(on_event)


async def _tapped(front: Front, body: Body) -> None:
    await _taken(front, body, Tap.of(body))


async def _told(front: Front, body: Body, fault: str) -> None:
    await front.tell(Tap.of(body), "Not possible", fault)


async def _refused(front: Front, body: Body) -> BoltResponse | None:
    """What could not be kept is not acknowledged, so that Slack tells it again; and all is read anew."""
    if body["event"]["type"] == PROBE:
        return await _probed(front, body["event"])
    return None if await _kept(front, body) else failed.unavailable()


async def _probed(front: Front, event: Body) -> BoltResponse | None:
    try:
        awaited = await front.way_in.answered(nonce_of(event))
    except UnavailableError:
        return failed.unavailable()
    return None if awaited else BoltResponse(status=HTTPStatus.CONFLICT)


def _lost(front: Front, body: Body, fault: str | None) -> bool:
    """Whether this click was not carried out through our fault. What names no package of ours lost nothing."""
    if fault is None:
        return False
    front.metrics.clicks.labels("fault").inc()
    return fault in _NOT_DONE and (failed.remembered(front, body) or fault != OUR_FAULT)


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
            front.way_in.heard()
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
            front.errands.send("home", home.publish(front, event["user"]))
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


async def _carried_out(front: Front, what: str, work: Awaitable[None]) -> str | None:
    """What went well proves that Slack's requests come in."""
    fault = await _guarded(what, work)
    if fault is None:
        front.way_in.heard()
    return fault


async def _guarded(what: str, work: Awaitable[None]) -> str | None:
    """Nothing escapes a listener, or Bolt would take its answer back. The sentence says what is known of it."""
    try:
        await work
    except UnavailableError as fault:
        log.warning("slack.database_unavailable", what=what, error=str(fault))
        return UNREADABLE if isinstance(fault, UnreadablePolicyError) else UNAVAILABLE
    except SlackError as fault:
        log.warning("slack.not_answered", what=what, error=fault.error)
        return None if fault.error in _ANSWERED else NOT_ANSWERED
    except Exception:
        log.exception("slack.fault", what=what)
        return OUR_FAULT
    return None
