"""What every listener has at hand: the store, the client, and somebody to run errands once Slack is answered."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import structlog
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from blocks.forms.forms import notice
from blocks.kit.ids import Ref
from blocks.kit.message import Message
from blocks.words.dossier import Dossier
from blocks.words.refusals import private, told
from blocks.words.views import View
from bot.metrics import Metrics
from bot.slack.context.click_way import ClickWay
from bot.slack.context.errands import Errands
from bot.slack.context.tap import Tap
from bot.slack.outgoing.client import SlackClient
from rules.authority.visibility import may_see
from rules.reasons import Refusal
from rules.state.model import PackageState
from scheduler.cards.dossiers import dossier_of
from scheduler.cards.response_urls import Answers
from scheduler.common.messenger import BusyError, SlackError, UnreachableError
from scheduler.time.clicks import Clicks
from store.outbox import cards
from store.packages.packages import load
from store.store import Store

log = structlog.get_logger()

TOO_LATE = "Slack waited too long for this to open. Please tap once more."
NOT_OPENED = "Slack refuses to open this. Countersign's log says why; an operator should look at it."
OPENS_WITHIN = 2.5  # of the three seconds for which both the trigger and the click's own answer last
_LATE = frozenset([
    "exchanged_trigger_id", "expired_trigger_id", "invalid_trigger_id", "push_limit_reached", "trigger_exchanged",
    "trigger_expired",
])  # fmt: skip
GONE = "This button is not one that is in use any more. Open the package from App Home or with /reviews."


class UnheardError(SlackError):
    """What was to be said to somebody found no way to them: neither a view would open, nor is there a response_url."""


@dataclass(frozen=True, slots=True)
class Front:
    store: Store
    client: SlackClient
    errands: Errands
    metrics: Metrics
    spoil: Callable[[], None]  # what was known of people may be wrong: read it anew
    answers: Answers
    look: Callable[[], None]  # something is to be shown now
    clicks: Clicks
    way_in: ClickWay

    @property
    def web(self) -> AsyncWebClient:
        return self.client.web

    async def dossier(self, ref: Ref) -> Dossier | None:
        """The package as it is now; the rendering stays the one that was seen."""
        house, clock = self.store.house, self.store.clock
        found = await self.store.read(lambda its: dossier_of(its, house, ref.package_id, clock()))
        return replace(found, rendering_id=ref.rendering_id) if found else None

    async def state(self, ref: Ref) -> PackageState | None:
        """No more than tells whether one tap is enough: most taps need nothing else."""
        tenant_id = self.store.house.tenant_id
        loaded = await self.store.read(lambda its: load(its, tenant_id, ref.package_id), quick=True)
        return loaded.state if loaded else None

    async def open(self, tap: Tap, view: View) -> bool:
        """On top of the view in which it was tapped, or as the first one. Slack gives us no time for a second try."""
        within = tap.view is not None and tap.view.get("type") == "modal"
        opened = self.web.views_push if within else self.web.views_open
        try:
            async with asyncio.timeout(OPENS_WITHIN):
                await self.client.asked(opened(trigger_id=tap.trigger_id, view=view))
        except (SlackError, TimeoutError) as fault:
            log.warning("slack.view_not_opened", action=tap.action_id, error=str(fault) or type(fault).__name__)
            if ref := Ref.found_in(tap.value):
                self.lost(ref, tap.user_id)
            sentence = TOO_LATE if _was_late(fault) else NOT_OPENED
            if not tap.response_url:
                raise UnheardError(sentence) from fault
            self.say(tap, private(sentence))
            return False
        return True

    def lost(self, ref: Ref, user_id: str) -> None:
        """The click failed for a reason that was not its maker's. It may have been an objection, or half of one."""
        self.clicks.failed(ref.package_id, user_id)
        self.errands.send("harden", self.clicks.settle())

    async def redraw(self, its: Mapping[str, Any], view: View) -> None:
        """In the place of an open view: never over what was drawn there meanwhile, nor for longer than one opens."""
        await self.in_time(self.web.views_update(view=view, view_id=its["id"], hash=its["hash"]))

    async def in_time(self, call: Awaitable[AsyncSlackResponse]) -> None:
        """While somebody waits for the answer to their click, no call may take longer than Slack waits itself."""
        try:
            async with asyncio.timeout(OPENS_WITHIN):
                await self.client.asked(call)
        except TimeoutError as late:
            raise SlackError("no answer in time") from late

    async def refuse(self, tap: Tap, refusal: Refusal, dossier: Dossier | None) -> None:
        """A private sentence: beside the card where there is one, else in a view of its own.

        It names the package only to someone who may see it, because a button can be forged to name any.
        """
        if tap.response_url:
            self.say(tap, told(refusal, dossier if dossier and await self._sees(tap, dossier.state) else None))
        else:
            await self.open(tap, notice("Not possible", refusal.sentence))

    async def _sees(self, tap: Tap, state: PackageState) -> bool:
        roster = await self.store.read(self.store.house.roster, quick=True)
        return may_see(roster, state, tap.user_id, self.store.clock()) or await self.on_card(tap, state)

    async def on_card(self, tap: Tap, state: PackageState) -> bool:
        """Whether the message that was tapped is a card of this package: then its reader sees the package already."""
        card = tap.card
        if card is None:
            return False
        return await self.store.read(lambda its: cards.lies_there(its, state, card.channel, card.ts), quick=True)

    async def tell(self, tap: Tap, title: str, sentence: str) -> None:
        if tap.response_url:
            self.say(tap, private(sentence))
        else:
            await self.open(tap, notice(title, sentence))

    def say(self, tap: Tap, message: Message) -> None:
        """After the click was answered. Without a way back to the clicker there is nothing that could be said."""
        if tap.response_url:
            self.errands.send("private note", self.client.whisper(tap.response_url, message))


def _was_late(fault: SlackError | TimeoutError) -> bool:
    """Whether another tap may do better; else Slack refuses the view itself, and will again."""
    passing = isinstance(fault, (TimeoutError, BusyError, UnreachableError))
    return passing or (isinstance(fault, SlackError) and fault.error in _LATE)
