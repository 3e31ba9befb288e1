"""The Bolt app: one listener for each kind of request that Slack sends. No listener decides anything.

Slack waits for the listener before it gets its answer, so a listener runs one transaction and leaves slower work to a
background task. If a click, a form or an event fails through our fault, Slack gets 503: it sends events again,
and shows its own warning for clicks and forms.
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
from blocks.kit.message import Message
from blocks.words.refusals import private_message
from bot.slack.clicks import forms, taps
from bot.slack.context import failed, origin
from bot.slack.context.form_answers import Answer, notice_answer
from bot.slack.context.listener_context import ListenerContext
from bot.slack.context.tap import Tap
from bot.slack.events import channels, workspace
from bot.slack.home import home
from bot.slack.payloads import fault_in
from bot.slack.slash import reviews
from bot.slack.slash.in_time import answer_in_time
from bot.slack.transport.probe import PROBE, nonce_of
from scheduler.common.messenger import SlackError
from store.engine.workers import UnavailableError
from store.installation.policy_texts import UnreadablePolicyError

log = structlog.get_logger()

COMMAND = "/reviews"
POLICY_UNREADABLE = (
    "This part of Countersign runs an older release and cannot read your policy. Nothing was changed; try again."
)
UNAVAILABLE = "Countersign cannot reach its database just now. Nothing was changed; please try again in a minute."
OUR_FAULT = "Something went wrong in Countersign itself. Nothing was changed; its log says what."
NOT_ANSWERED = "Slack did not show the result. Please look again."
_NOT_DONE = frozenset([UNAVAILABLE, POLICY_UNREADABLE, OUR_FAULT])
_ANSWERED = frozenset(["hash_conflict"])  # another tap was faster, and the view already shows its result
_ANY = re.compile(".*", re.DOTALL)

Body = Mapping[str, Any]


def bolt_app(context: ListenerContext) -> AsyncApp:
    """Build the app without Bolt's own signature check and installation lookup.

    `SlackEndpoint` and Socket Mode verify requests before Bolt reads them, and there is only one installation. So
    clicks are accepted even if Slack's API does not answer.
    """

    async def authorize() -> AuthorizeResult:
        return AuthorizeResult(enterprise_id=None, team_id=None, bot_token=context.web.token)

    app = _CheckingApp(
        context,
        name="countersign",  # without a name, Bolt reads the source file of its caller
        client=context.web,
        logger=quiet_logger(),
        authorize=authorize,
        process_before_response=True,
        request_verification_enabled=False,
        attaching_function_token_enabled=False,
    )
    _listen(app, context)
    return app


class _CheckingApp(AsyncApp):
    """Checks every payload first: Bolt or a listener would raise on a malformed one."""

    def __init__(self, context: ListenerContext, **options: Any) -> None:
        super().__init__(**options)
        self._context = context

    async def async_dispatch(self, req: AsyncBoltRequest) -> BoltResponse:
        if fault := fault_in(req.body):
            return failed.unreadable(self._context, req.body, fault)
        return await super().async_dispatch(req)


def quiet_logger() -> logging.Logger:
    """Bolt warns about settings that are intended here, and would log whole requests."""
    logger = logging.getLogger("bot.slack.bolt")
    logger.setLevel(logging.ERROR)
    return logger


def _listen(app: AsyncApp, context: ListenerContext) -> None:
    @app.action(_ANY)
    async def on_tap(ack: AsyncAck, body: dict[str, Any]) -> BoltResponse:
        fault = await _carry_out(context, "tap", _handle_tap(context, body))
        if fault:
            await _guard("tap", _show_fault(context, body, fault))
        return failed.unavailable() if fault and _report_fault(context, body, fault) else await ack()

    @app.view(_ANY)
    async def on_form(ack: AsyncAck, body: dict[str, Any]) -> BoltResponse:
        answer: Answer = {}

        async def handle() -> None:
            answer.update(await forms.handle_form(context, body))

        fault = await _carry_out(context, "form", handle())
        if fault and _report_fault(context, body, fault):
            return failed.unavailable()
        return await ack(**notice_answer(fault) if fault else answer)

    @app.command(COMMAND)
    async def on_command(ack: AsyncAck, body: dict[str, Any]) -> None:
        message = await answer_in_time(context, body.get("response_url"), _command_answer(context, body))
        await ack(text=message.text, blocks=list(message.blocks)) if message else await ack()

    async def on_event(ack: AsyncAck, body: dict[str, Any]) -> BoltResponse:
        return await _event_failure(context, body) or await ack()

    app.event(_ANY)(on_event)


async def _command_answer(context: ListenerContext, body: Body) -> Message | None:
    """The answer to a command; None if it was sent already, because it has charts."""
    answers: list[Message] = []

    async def handle() -> None:
        message = await reviews.handle_slash_command(context, body)
        if not await context.send_charts(body.get("response_url"), message):
            answers.append(message)

    fault = await _carry_out(context, "command", handle())
    if fault in _NOT_DONE:
        failed.report_lost_subjects(context, body)
    return private_message(fault) if fault else next(iter(answers), None)


async def _handle_tap(context: ListenerContext, body: Body) -> None:
    tap = Tap.of(body)
    refusal = await origin.origin_refusal(context, body, tap.user_id)
    if refusal is None:
        await taps.handle_tap(context, tap)
        return
    target = tap.intent or (None, Ref.read(tap.value))
    await origin.record_refusal(context, tap.user_id, refusal, target, tap.trigger_id)
    await context.refuse(tap, refusal, None)


async def _show_fault(context: ListenerContext, body: Body, fault: str) -> None:
    await context.tell(Tap.of(body), fault)


async def _event_failure(context: ListenerContext, body: Body) -> BoltResponse | None:
    """The failing answer to an event that was not saved: Slack then sends the event again."""
    if body["event"]["type"] == PROBE:
        return await _probe_failure(context, body["event"])
    return None if await _save_event(context, body) else failed.unavailable()


async def _probe_failure(context: ListenerContext, event: Body) -> BoltResponse | None:
    try:
        awaited = await context.transport.probe_arrived(nonce_of(event))
    except UnavailableError:
        return failed.unavailable()
    return None if awaited else BoltResponse(status=HTTPStatus.CONFLICT)


def _report_fault(context: ListenerContext, body: Body, fault: str) -> bool:
    """Report what the click was about if it was not carried out. Returns whether Slack must get 503.

    After a fault in our code that is so only for a click about a package or a thread: no other click decides anything.
    """
    context.metrics.clicks.labels("fault").inc()
    return fault in _NOT_DONE and (failed.report_lost_subjects(context, body) or fault != OUR_FAULT)


async def _save_event(context: ListenerContext, body: Body) -> bool:
    """Save the event. Returns False if Slack must send it again. If it was not saved, the directory is read again."""
    try:
        if await origin.is_ours(context, body):
            await handle_event(context, body)
            context.transport.request_served()
        else:
            log.warning("slack.foreign_event", kind=body["event"]["type"])
    except (UnavailableError, SlackError) as fault:
        log.warning("slack.event_not_kept", kind=body["event"]["type"], error=str(fault))
        context.reread_directory()
        return False
    except Exception:
        log.exception("slack.fault", what="event")
        context.reread_directory()  # sent again, the event would fail again
    return True


async def handle_event(context: ListenerContext, body: Body) -> None:
    """Handle an event. Repeated and late events do no harm: changes to authority are applied in the order of events."""
    event = body["event"]
    match event["type"]:
        case "app_home_opened" if event.get("tab") == "home":
            context.background.start("home", home.publish(context, event["user"], home.OpenPages()))
        case kind if kind in workspace.PEOPLE:
            await workspace.person_changed(context, event, workspace.stamp_of(body))
        case kind if kind in workspace.GROUPS:
            await workspace.group_changed(context, event, workspace.stamp_of(body))
        case workspace.MEMBERS:
            await workspace.members_changed(context, event, workspace.stamp_of(body))
        case kind if kind in channels.ALL:
            await channels.channel_changed(context, event)
        case kind if kind in workspace.APP:
            await workspace.app_gone(context, event)
        case kind:
            log.info("slack.event", kind=kind)


async def _carry_out(context: ListenerContext, activity: str, work: Awaitable[None]) -> str | None:
    """Run the work of a listener. Success proves that Slack's requests reach us."""
    fault = await _guard(activity, work)
    if fault is None:
        context.transport.request_served()
    return fault


async def _guard(activity: str, work: Awaitable[None]) -> str | None:
    """Turn exceptions into a sentence for the user: Bolt drops the listener's answer if anything is raised."""
    try:
        await work
    except UnavailableError as fault:
        log.warning("slack.database_unavailable", what=activity, error=str(fault))
        return POLICY_UNREADABLE if isinstance(fault, UnreadablePolicyError) else UNAVAILABLE
    except SlackError as fault:
        log.warning("slack.not_answered", what=activity, error=fault.error)
        return None if fault.error in _ANSWERED else NOT_ANSWERED
    except Exception:
        log.exception("slack.fault", what=activity)
        return OUR_FAULT
    return None
