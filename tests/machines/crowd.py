"""Agents and reviewers that use several replicas: each repeats its request until it is answered."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import aiohttp

from playground.client.outcomes import Outcome
from playground.model.changes import Change
from playground.model.messages import Message
from playground.slack import NotPossibleError
from tests.bot.service import HARD, SOFT
from tests.bot.slack.office import CHANNEL, RITA, ROSS, SENTA
from tests.machines.fleet import Fleet

AGENTS = 16
WITHIN = 240
Act = Callable[[str, Message], Awaitable[Outcome]]


class Fate(NamedTuple):
    """The plan for a package: who does what with it, and how it may end."""

    ends: frozenset[str]
    approved_by: str | None = None
    rejected_by: str | None = None
    cancelled: bool = False
    lasts: timedelta | None = None


FATES = (
    Fate(frozenset(["approved"]), approved_by=RITA),
    Fate(frozenset(["rejected"]), rejected_by=SENTA),
    Fate(frozenset(["approved", "rejected"]), approved_by=RITA, rejected_by=ROSS),  # at once, and one of them wins
    Fate(frozenset(["cancelled"]), cancelled=True),
    Fate(frozenset(["expired"]), lasts=timedelta(seconds=2)),
)
APPROVED = FATES[:1]


class Answer(NamedTuple):
    status: int
    body: dict[str, Any]
    etag: str


class Crowd:
    """`known`: acknowledged packages by number; `ended`: the final status of each."""

    def __init__(
        self, fleet: Fleet, http: aiohttp.ClientSession, fates: tuple[Fate, ...], callback_url: str | None = None
    ) -> None:
        self.fleet, self.slack, self.http, self.fates = fleet, fleet.slack, http, fates
        self._callback = {"callback_url": callback_url} if callback_url else {}
        self.known: dict[int, str] = {}
        self.ended: dict[int, dict[str, Any]] = {}
        self._hands: dict[str, asyncio.Lock] = {}
        self._people: set[asyncio.Task[None]] = set()

    def fate(self, number: int) -> Fate:
        return self.fates[number % len(self.fates)]

    async def work(self, packages: int) -> None:
        """Wait until all packages have ended."""
        numbers = iter(range(packages))
        unsubscribe = self.slack.workspace.changes.subscribe(self._start_reviews)
        try:
            async with asyncio.timeout(WITHIN), asyncio.TaskGroup() as group:
                for _ in range(AGENTS):
                    group.create_task(self._agent(numbers))
            await asyncio.gather(*self._people)
        finally:
            unsubscribe()

    async def until(self, holds: Callable[[], bool]) -> None:
        await self.slack.until(holds, seconds=WITHIN)

    # ---- the agents

    async def _agent(self, numbers: Iterator[int]) -> None:
        for number in numbers:
            await self._one(number)

    async def _one(self, number: int) -> None:
        fate = self.fate(number)
        submitted = await self._submit(number)
        assert submitted.status in (200, 202), submitted
        self._note(self.known, number, submitted.body["decision_package_id"])
        path = f"/v1/packages/{self.known[number]}"
        if fate.cancelled:
            await self.request("POST", f"{path}/cancel", {"reason": "No longer needed."})
        ended = await self._end(path, submitted)
        if ended["may_proceed"]:
            claim = {"state": "claimed", "claim_id": f"claim-{number}", "action_digest": ended["action_digest"]}
            claimed = await self.request("POST", f"{path}/execution", claim)
            assert (claimed.status, claimed.body["execution"]["state"]) == (200, "claimed"), claimed
        self._note(self.ended, number, ended)

    async def _submit(self, number: int) -> Answer:
        """If the request is repeated so late that the package has already expired, it was never accepted: ask anew."""
        while True:
            submitted = await self.request("POST", "/v1/packages", self._package(number), key=f"package {number}")
            if submitted.body.get("type") != "urn:countersign:problem:already-expired":
                return submitted

    async def _end(self, path: str, seen: Answer) -> dict[str, Any]:
        while not seen.body["terminal"]:
            news = await self.request("GET", f"{path}?wait=25", etag=seen.etag)
            assert news.status in (200, 304), news
            seen = news if news.status == 200 else seen
        return seen.body

    def _note(self, where: dict[int, Any], number: int, value: Any) -> None:
        where[number] = value
        self.slack.workspace.changes.announce("crowd.moved")

    def _package(self, number: int) -> dict[str, Any]:
        fate = self.fate(number)
        kind = HARD if fate.rejected_by == SENTA else SOFT
        lasts = {"expires_at": (datetime.now(UTC) + fate.lasts).isoformat()} if fate.lasts else {}
        return {**kind, "title": f"Read record {number}", "subject_id": f"R-{number}", **self._callback, **lasts}

    async def request(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, *, key: str = "", etag: str = ""
    ) -> Answer:
        """Repeat the request until the answer is not "unavailable"."""
        given = {"Idempotency-Key": key, "If-None-Match": etag}
        headers = {name: header for name, header in given.items() if header}
        while True:
            with suppress(aiohttp.ClientError, ConnectionError):
                async with self.http.request(method, path, json=body, headers=headers) as answer:
                    if answer.status < 500:
                        return Answer(
                            answer.status, await answer.json(content_type=None), answer.headers.get("ETag", "")
                        )

    # ---- the reviewers

    def _start_reviews(self, change: Change) -> None:
        """Start the planned reviews for each new card; a copy counts as a card."""
        if change.kind != "message.posted" or change.about["channel"] != CHANNEL:
            return
        card = self.slack.message(CHANNEL, change.about["ts"])
        number = re.search(r"Read record ([0-9]+)", json.dumps(card.blocks)) if card.thread_ts is None else None
        if number:
            self._begin_review(card, int(number[1]))

    def _begin_review(self, card: Message, number: int) -> None:
        fate = self.fate(number)
        acts = ((fate.approved_by, self._approve), (fate.rejected_by, self._reject))
        for user, act in acts:
            if user:
                self._people.add(asyncio.create_task(self._person(user, card, number, act)))

    async def _person(self, user: str, card: Message, number: int, act: Act) -> None:
        """Repeat a click that failed or was answered with "not possible now"."""
        while number not in self.ended:
            notes = len(self.slack.private_notes(user))
            if await self._act(user, card, act):
                await self.until(lambda: self._may_go_on(user, number, notes))  # noqa: B023 - awaited here

    def _may_go_on(self, user: str, number: int, notes: int) -> bool:
        """Whether it has ended, or the click was answered with "not possible"."""
        return number in self.ended or len(self.slack.private_notes(user)) > notes or self._is_refused(user)

    async def _act(self, user: str, card: Message, act: Act) -> bool:
        """Whether the click was accepted or is no longer possible."""
        async with self._hands.setdefault(user, asyncio.Lock()):
            if self._is_refused(user):
                await self.slack.close(user, everything=True)
            with suppress(NotPossibleError):
                outcome: Outcome = await act(user, card)
                return outcome.ok and not outcome.errors
            return "approve" not in self.slack.message(CHANNEL, card.ts).action_ids

    def _is_refused(self, user: str) -> bool:
        """Whether a window says that the last click was not possible."""
        view = self.slack.modal(user)
        return view is not None and view.title == "Not possible"

    async def _approve(self, user: str, card: Message) -> Outcome:
        return await self.slack.click(user, card, "approve")

    async def _reject(self, user: str, card: Message) -> Outcome:
        if self.slack.modal(user):  # of another card, where nothing came of it
            await self.slack.close(user, everything=True)
        await self.slack.click(user, card, "reject")
        return await self.slack.submit(user, {"comment": "Not now."})


@asynccontextmanager
async def crowd(fleet: Fleet, fates: tuple[Fate, ...] = FATES, callback_url: str | None = None) -> AsyncIterator[Crowd]:
    connector = aiohttp.TCPConnector(limit=0, force_close=True)
    headers = {"Authorization": f"Bearer {fleet.key}"}
    async with aiohttp.ClientSession(fleet.url, connector=connector, headers=headers) as http:
        yield Crowd(fleet, http, fates, callback_url)
