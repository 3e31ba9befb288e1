"""The running service beside the stand-in for Slack: people click, agents use HTTP, both over real sockets."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
from sqlalchemy import update

from bot.running import RunningService, run_service
from bot.settings import read_settings
from playground.model.messages import Message
from playground.slack import Outcome, Slack, View, stand_in
from rules.state.commands import Verb
from rules.state.model import PackageState, Status
from scheduler.time.directory import DirectoryKeeper
from store.outbox.cards import CARDS
from store.outbox.rate_budget import Rates, Window
from tests.bot.service import CRITICAL, HARD, SOFT, AgentApi, Response
from tests.bot.service import POLICY as PLAIN
from tests.bot.slack.address import Address, public_address
from tests.bot.slack.editing import typed_edit
from tests.rules.world import ADAM, OWEN, ROSE
from tests.store.world import Clock

SECRET = "a-signing-secret"
CHANNEL = "C0REVIEWS"
GROUP = "S0SENIORS"
RITA, ROSS, SENTA, SVEN, SUSI, SAUL = "URITA", "UROSS", "USENTA", "USVEN", "USUSI", "USAUL"
DECIDERS = frozenset({SENTA, SVEN, SUSI, SAUL, "USILA"})  # may decide on high risk
GUEST, STRANGER, BOT, GONE, NOBODY = "UGUEST", "USTRANGER", "UROBOT", "UGONE", "UNOROLE"
POLICY = PLAIN.replace('max_age = "1000d"', 'max_age = "1000d"\n').replace(
    'members = ["USENTA", "USVEN"]', f'groups = ["{GROUP}"]'
) + (
    f"""
[channels]
default = "{CHANNEL}"
"""
)
SENIORS_FOR_ALL = POLICY.replace('max_risk = "high"', 'max_risk = "critical"')
CONFIRMED = "The agent may then do exactly this"  # the confirmation of a grave approval
MENU = {
    Verb.REQUEST_MORE_EVIDENCE: "Request evidence",
    Verb.DEFER: "Defer",
    Verb.OVERRIDE: "Override",
    Verb.TAKE_OVER: "Take over",
    Verb.RECUSE: "Recuse",
}
__all__ = ["ADAM", "CRITICAL", "HARD", "OWEN", "ROSE", "SOFT", "Office", "open_office"]

_PLENTY = Window(10_000, 1)
UNLIMITED = Rates(_PLENTY, _PLENTY, _PLENTY)


class Office(AgentApi):
    """An `AgentApi`, plus the Slack workspace in which reviewers are asked."""

    def __init__(
        self, running: RunningService, clock: Clock, http: aiohttp.ClientSession, slack: Slack, address: Address
    ) -> None:
        super().__init__(running, clock, http)
        self.slack, self.address = slack, address

    async def card(self, proposal: Response, channel: str = CHANNEL) -> Message:
        """Wait for the card that shows the current state of the package."""
        state = await self.state(proposal)
        await self.deliver()
        return next(message for message in self.slack.messages(channel) if _shows(message, state))

    def cards(self, place: str = CHANNEL) -> list[Message]:
        """Messages of a channel or of a person's direct channel, without threads."""
        return [message for message in self.slack.messages(place) if message.thread_ts is None]

    def thread(self, card: Message) -> list[Message]:
        return self.slack.thread(card.channel, card.ts)

    async def deliver(self) -> None:
        """Run delivery until nothing is left to deliver."""
        assert self.running.service.slack is not None
        await self.running.service.slack.reconciler.tick()

    async def submit_with_card(
        self, package: Mapping[str, Any] = HARD, channel: str = CHANNEL
    ) -> tuple[Response, Message]:
        """Submit a package, and return it with its card."""
        proposal = await self.submit(package)
        assert proposal.status == 202, proposal
        return proposal, await self.card(proposal, channel)

    async def click(self, user: str, card: Message, verb: str, **options: Any) -> Outcome:
        return await self.slack.click(user, card, verb, **options)

    async def more(self, user: str, card: Message, verb: Verb) -> Outcome:
        """Choose a verb in the card's menu."""
        return await self.slack.click(user, card, "more", option=MENU[verb])

    async def give(self, user: str, card: Message, verb: Verb, values: Mapping[str, Any] | None = None) -> Outcome:
        """Give a verb wherever it is offered (card, menu or Details), and fill in its form if it has one."""
        if verb.value in card.action_ids:
            outcome = await self.click(user, card, verb.value)
        elif verb in MENU:
            outcome = await self.more(user, card, verb)
        else:
            await self.click(user, card, "details")
            outcome = await self.slack.click_modal(user, verb.value)
        return outcome if values is None else await self.slack.submit(user, values)

    async def approve(self, user: str, card: Message, comment: str = "Checked.") -> Outcome:
        """A grave approval, with everything that its form requires."""
        await self.click(user, card, "approve")
        return await self.slack.submit(user, {"comment": comment, "confirmed": [CONFIRMED]})

    async def edit(self, user: str, card: Message, parameters: str, comment: str = "Corrected.") -> Outcome:
        """Edit and approve, confirming the changes that are shown."""
        view = await self.details(user, card, Verb.APPROVE_WITH_EDITS)
        await self.slack.submit(user, typed_edit(view, json.loads(parameters)) | {"comment": comment})
        return await self.slack.submit(user, {"confirmed": [CONFIRMED]})

    async def details(self, user: str, card: Message, verb: Verb | None = None) -> View:
        """The user's Details, or the view that opened when they pressed a verb there."""
        await self.click(user, card, "details")
        if verb is not None:
            await self.slack.click_modal(user, verb.value)
        view = self.slack.modal(user)
        assert view is not None, self.slack.private_notes(user)
        return view

    async def read_first(self, card: Message, *users: str) -> None:
        """Open and close Details for each of these users."""
        for user in users:
            await self.details(user, card)
            await self.slack.close(user)

    async def passes(self, span: timedelta) -> None:
        """Let business time pass with Slack reachable, run the ticks once, and deliver the results."""
        assert self.running.service.slack is not None
        clockwork = self.running.service.slack.clockwork
        self.clock.passes(span)
        await clockwork.heart.time_skipped()
        await clockwork.sweep.tick()
        await clockwork.consents.tick()
        await clockwork.absences.tick()
        await self.deliver()

    async def skip_pause(self) -> None:
        """Skip the pause between two delivery attempts."""
        assert self.running.service.slack is not None
        await self.running.service.store.write(
            lambda connection: connection.execute(update(CARDS).values(held_until=None))
        )
        await self.deliver()

    async def reviews(self, user: str, text: str = "", channel: str | None = None) -> Message:
        """The answer to `/reviews`: in the HTTP answer itself, visible to this user only, and notifying nobody."""
        await self.finish_background()
        before = len(self.slack.calls_to("response_url"))
        outcome = await self.slack.command(user, "/reviews", text, channel=channel)
        assert (outcome.status, outcome.error) == (200, None), outcome
        (note,) = outcome.notes
        assert (note.seen_by, note.notified, note.text) == (user, frozenset(), outcome.body["text"])
        await self.finish_background()
        assert len(self.slack.calls_to("response_url")) == before
        return note

    async def stats(self, user: str, text: str = "stats") -> Message:
        """The answer to `/reviews stats` with numbers: one message, with charts if Slack accepts them."""
        before = len(self.slack.private_notes(user))
        outcome = await self.slack.command(user, "/reviews", text)
        assert (outcome.status, outcome.error) == (200, None), outcome
        (note,) = self.slack.private_notes(user)[before:]
        return note

    async def finish_background(self) -> None:
        """Wait for the background tasks that follow an answer to Slack: private notes and Home."""
        assert self.running.service.slack is not None
        await self.running.service.slack.context.background.finish(5)

    async def refused(self, user: str) -> str:
        """What the modal says that refuses the user's click. It is closed again."""
        view = self.slack.modal(user)
        assert view is not None, self.slack.private_notes(user)
        assert view.title == "Not possible", view
        await self.slack.close(user)
        return view.shown

    async def notes(self, user: str, count: int = 1) -> str:
        """The user's latest private note, as soon as it exists."""
        await self.slack.until(lambda: len(self.slack.private_notes(user)) >= count)
        return self.slack.private_notes(user)[-1].shown

    async def status(self, proposal: Response) -> Status:
        return (await self.state(proposal)).status

    async def events(self, proposal: Response, event_type: str) -> list[dict[str, Any]]:
        answer = await self.get(f"/v1/packages/{proposal.id}/events")
        return [event for event in answer.body["events"] if event["event_type"] == event_type]

    async def refusals(self, proposal: Response) -> list[tuple[str, str]]:
        """The recorded refusals: actor and reason."""
        refused = await self.events(proposal, "human.decision_refused")
        return [(event["actor"], event["reason"]) for event in refused]

    async def standing(self, proposal: Response) -> dict[str, Any]:
        """What the agent reads, without the fields that every attempt changes."""
        read = await self.read(proposal)
        return {name: value for name, value in read.body.items() if name not in ("revision", "updated_at")}

    async def regroup(self, *, added: tuple[str, ...] = (), removed: tuple[str, ...] = ()) -> None:
        """Change the seniors' group, and send Slack's event with the difference."""
        members = self.slack.workspace.groups[GROUP].members
        self.slack.change_group(GROUP, members=[*(user for user in members if user not in removed), *added])
        changed = {"added_users": list(added), "removed_users": list(removed)}
        event = {"type": "subteam_members_changed", "subteam_id": GROUP, "team_id": self.slack.team_id, **changed}
        assert (await self.slack.event(event)).status == 200

    @property
    def directory(self) -> DirectoryKeeper:
        assert self.running.service.slack is not None
        return self.running.service.slack.directory

    async def read_directory(self) -> None:
        """Read the directory now, ignoring an earlier rate limit."""
        self.directory._not_before = 0.0
        await self.directory.tick()


def _shows(message: Message, state: PackageState) -> bool:
    return message.thread_ts is None and state.decision_package_id in json.dumps(message.blocks)


def furnish(slack: Slack) -> None:
    for user in (RITA, ROSS, SENTA, SVEN, SUSI, SAUL, "USILA", ROSE, OWEN, ADAM, NOBODY):
        name = user.removeprefix("U").capitalize()
        slack.add_person(user, name=name, email=f"{name.lower()}@example.org")
    slack.add_person(GUEST, name="Guest", guest="multi")
    slack.add_person(STRANGER, name="Stranger", stranger=True, team_id="T2")
    slack.add_person(BOT, name="Robot", bot=True)
    slack.add_person(GONE, name="Gone", deleted=True)
    slack.add_channel(
        CHANNEL, name="reviews", members=[person for person in slack.workspace.people if person[1:].isupper()]
    )
    slack.add_group(GROUP, [SENTA, SVEN])


@asynccontextmanager
async def open_office(
    url: str,
    folder: Path,
    policy_text: str = POLICY,
    *,
    socket: bool = False,
    called: bool = True,
    scene: Callable[[Slack], None] = furnish,
    **settings: Any,
) -> AsyncIterator[Office]:
    """`scene` fills the workspace before the service starts."""
    async with stand_in(signing_secret=SECRET, ack_within=60) as slack:
        scene(slack)
        async with beside(slack, url, folder, policy_text, socket=socket, called=called, **settings) as office:
            office.key = await office.hire("Clerk")
            yield office


@asynccontextmanager
async def beside(
    slack: Slack,
    url: str,
    folder: Path,
    policy_text: str = POLICY,
    *,
    clock: Clock | None = None,
    socket: bool = False,
    called: bool = True,
    port: int = 0,
    **settings: Any,
) -> AsyncIterator[Office]:
    """Run the service on this workspace and a database that may exist already.

    `called`: whether Slack has called the public address, which is at `port`.
    """
    policy = folder / "policy.toml"
    policy.write_text(policy_text)
    given = {
        "COUNTERSIGN_DATABASE_URL": url,
        "COUNTERSIGN_POLICY": policy,
        "COUNTERSIGN_PORT": 0,
        "_env_file": None,
        "SLACK_BOT_TOKEN": slack.bot_token,
        "SLACK_API_URL": slack.api_url,
        **({"SLACK_APP_TOKEN": slack.app_token} if socket else {"SLACK_SIGNING_SECRET": SECRET}),
        **settings,
    }
    clock = clock or Clock()
    async with (
        public_address(port) as address,
        run_service(
            read_settings(**({} if socket else {"COUNTERSIGN_PUBLIC_URL": address.url}) | given), clock, ticks=False
        ) as running,
        aiohttp.ClientSession(running.url) as http,
    ):
        assert running.service.slack is not None
        # Tests do not wait for Slack's real rates, except those about rates.
        running.service.slack.reconciler._pace.rates = UNLIMITED
        address.behind = running.url
        slack.app_at(address.events)
        if called and not socket:
            await slack.connect(address.events)
        await running.service.slack.clockwork.heart.tick()
        yield Office(running, clock, http, slack, address)
