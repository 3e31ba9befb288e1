"""`ListenerContext`: what a listener needs to handle a click or an event, and the ways to answer the person.

Slack expects an answer within three seconds. So a view is opened while Slack waits, and everything else, such as a
private note, is sent in a background task after the answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import structlog
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from blocks.card.blindness import seen_by
from blocks.forms.forms import notice_modal
from blocks.home.filter import filter_of, with_filter
from blocks.kit.ids import Ref, subject_in
from blocks.kit.message import Message
from blocks.words.dossier import Dossier
from blocks.words.refusals import private_message, refusal_message, refusal_view
from blocks.words.views import View
from bot.metrics import Metrics
from bot.slack.context.background_tasks import BackgroundTasks
from bot.slack.context.slack_transport import SlackTransport
from bot.slack.context.tap import Tap
from bot.slack.outgoing.client import SlackClient
from rules.authority.visibility import may_see
from rules.reasons import Reason, Refusal
from rules.state.model import PackageState
from scheduler.cards.dossiers import dossier_of
from scheduler.cards.response_urls import ResponseUrls
from scheduler.common.messenger import BusyError, SlackError, UnreachableError
from scheduler.time.clicks import UnsettledClicks
from store.outbox import cards
from store.outbox.renderings import load_with_proof
from store.store import Store
from store.threads.thread_store import ThreadStore

log = structlog.get_logger()

TOO_LATE = "Slack waited too long for this to open. Please try again."
NOT_OPENED = "Slack refuses to open this. Countersign's log says why; an operator should look at it."
OPENS_WITHIN = 2.5  # both the trigger and the click's own answer expire after three seconds
_LATE = frozenset([
    "exchanged_trigger_id", "expired_trigger_id", "invalid_trigger_id", "push_limit_reached", "trigger_exchanged",
    "trigger_expired",
])  # fmt: skip
_OUR_FAULT = frozenset([Reason.DIRECTORY_STALE, Reason.TOO_BUSY])  # refused for a reason that is not in the click
GONE = "This button is no longer in use. Open the package from App Home or with /reviews."


class UndeliveredError(SlackError):
    """A message could not reach the clicker: no view could be opened, and there is no response_url."""


@dataclass(frozen=True, slots=True)
class ListenerContext:
    store: Store
    client: SlackClient
    background: BackgroundTasks
    metrics: Metrics
    reread_directory: Callable[[], None]  # called if the directory may be out of date
    response_urls: ResponseUrls
    wake_delivery: Callable[[], None]  # called if a card must be updated now
    clicks: UnsettledClicks
    transport: SlackTransport

    @property
    def web(self) -> AsyncWebClient:
        return self.client.web

    @property
    def threads(self) -> ThreadStore:
        return ThreadStore(self.store)

    async def dossier(self, ref: Ref, user_id: str) -> Dossier | None:
        """The current package as this person may know it, with the rendering that they saw."""
        installation, clock = self.store.installation, self.store.clock
        dossier = await self.store.read(
            lambda connection: dossier_of(connection, installation, ref.package_id, clock(), user_id)
        )
        return replace(seen_by(dossier, user_id), rendering_id=ref.rendering_id) if dossier else None

    async def state(self, ref: Ref) -> PackageState | None:
        """Less than a dossier, but enough to tell whether one tap decides: most taps need nothing else."""
        return (await self.state_and_proof(ref))[0]

    async def state_and_proof(self, ref: Ref) -> tuple[PackageState | None, Ref]:
        """The package, and the reference without its rendering unless that was stored: a payload can name any."""
        tenant_id = self.store.installation.tenant_id
        state, was_shown = await self.store.read(
            lambda connection: load_with_proof(connection, tenant_id, ref.package_id, ref.version, ref.rendering_id),
            quick=True,
        )
        return state, (ref if was_shown else ref._replace(rendering_id=None))

    async def open(self, tap: Tap, view: View) -> bool:
        """Open a modal, on top of the one with the button if there is one. There is no time for a second try."""
        try:
            await self._open_in_time(tap, view)
        except (SlackError, TimeoutError) as fault:
            if subject := subject_in(tap.value):
                self.report_lost(subject, tap.user_id)
            sentence = TOO_LATE if _may_open_later(fault) else NOT_OPENED
            self._note(tap, private_message(sentence), sentence)
            return False
        return True

    async def _open_in_time(self, tap: Tap, view: View) -> None:
        in_modal = tap.view is not None and tap.view.get("type") == "modal"
        method = self.web.views_push if in_modal else self.web.views_open
        try:
            async with asyncio.timeout(OPENS_WITHIN):
                await self.client.call(method(trigger_id=tap.trigger_id, view=with_filter(view, filter_of(tap.view))))
        except (SlackError, TimeoutError) as fault:
            log.warning("slack.view_not_opened", action=tap.action_id, error=str(fault) or type(fault).__name__)
            raise

    def report_lost(self, subject: str, user_id: str) -> None:
        """A click failed through no fault of the clicker. It may have been an objection, or part of one.

        `subject`: the id of the package or the key of the thread.
        """
        self.clicks.record_failure(subject, user_id)
        self.background.start("harden", self.clicks.settle())

    def count_refusal(self, refusal: Refusal, subject: str, user_id: str) -> None:
        """A click that the service could not judge counts as failed."""
        self.metrics.clicks.labels("refused").inc()
        if refusal.reason in _OUR_FAULT:
            self.report_lost(subject, user_id)

    async def redraw(self, open_view: Mapping[str, Any], new: View) -> None:
        """Replace an open view. The hash keeps us from overwriting a newer one."""
        new = with_filter(new, filter_of(open_view))
        await self.call_in_time(self.web.views_update(view=new, view_id=open_view["id"], hash=open_view["hash"]))

    async def call_in_time(self, call: Awaitable[AsyncSlackResponse]) -> None:
        """While someone waits for the answer to their click, no call may take longer than Slack itself waits."""
        try:
            async with asyncio.timeout(OPENS_WITHIN):
                await self.client.call(call)
        except TimeoutError as late:
            raise SlackError("no answer in time") from late

    async def refuse(self, tap: Tap, refusal: Refusal, dossier: Dossier | None) -> None:
        """The package is named only to someone who may see it, because a forged button can name any package."""
        seen = dossier if dossier and await self._sees(tap, dossier.state) else None
        await self._answer(tap, refusal_view(refusal, seen), refusal_message(refusal, seen), refusal.sentence)

    async def _sees(self, tap: Tap, state: PackageState) -> bool:
        roster = await self.store.read(self.store.installation.roster, quick=True)
        return may_see(roster, state, tap.user_id, self.store.clock()) or await self.is_on_card(tap, state)

    async def is_on_card(self, tap: Tap, state: PackageState) -> bool:
        """Whether the tapped message is a card of this package: its readers then see the package already."""
        card = tap.card
        if card is None:
            return False
        return await self.store.read(
            lambda connection: cards.is_card_of(connection, state, card.channel, card.ts), quick=True
        )

    async def tell(self, tap: Tap, sentence: str) -> None:
        await self._answer(tap, notice_modal("Not possible", sentence), private_message(sentence), sentence)

    async def _answer(self, tap: Tap, view: View, message: Message, sentence: str) -> None:
        """Answer in a modal, where the person looks. If none can be opened any more, in a private note by the card."""
        try:
            await self._open_in_time(tap, view)
        except (SlackError, TimeoutError):
            self._note(tap, message, sentence)

    async def send_charts(self, response_url: str | None, message: Message) -> bool:
        """Send a message that has charts, with them. Returns False if Slack refuses that: send it without them."""
        if not message.charts or not response_url:
            return False
        try:
            async with asyncio.timeout(OPENS_WITHIN):
                await self.client.whisper(response_url, message.with_charts)
        except (SlackError, TimeoutError) as fault:
            log.warning("slack.charts_refused", error=str(fault) or type(fault).__name__)
            return False
        return True

    def _note(self, tap: Tap, message: Message, sentence: str) -> None:
        """Raises `UndeliveredError` with the sentence if there is no response_url."""
        if not self.say(tap, message):
            raise UndeliveredError(sentence)

    def say(self, tap: Tap, message: Message) -> bool:
        """Send a private note after the click was answered. Returns False if there is no response_url."""
        if not tap.response_url:
            return False
        self.background.start("private note", self.client.whisper(tap.response_url, message))
        return True


def _may_open_later(fault: SlackError | TimeoutError) -> bool:
    """Whether another tap may succeed. Otherwise Slack rejects the view itself, and would reject it again."""
    is_temporary = isinstance(fault, (TimeoutError, BusyError, UnreachableError))
    return is_temporary or (isinstance(fault, SlackError) and fault.error in _LATE)
