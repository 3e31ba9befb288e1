"""Handoffs: give a thread to another agent, receive one, and return it with a result."""

from __future__ import annotations

import math
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Iterator, Mapping
from contextlib import suppress
from typing import Any, Literal, Protocol, TypeAlias, TypedDict, TypeVar

from countersign.canonical import digest_of
from countersign.errors import CountersignError, HandoffError, StillPendingError, UnreachableError, refusal
from countersign.outcomes import Executed, Unknown
from countersign.package import Package, submit_proposal
from countersign.proposal import MAX_SENTENCE, one_line
from countersign.wire import Call, Flow, Patience, Pause, send

T = TypeVar("T")

HANDOFFS = "/v1/handoffs"
NEEDS_PERSON, ASKED_FOR = "handoff-needs-person", "hand_over_thread"
_OPEN = ("offered", "accepted")
_SHORT_POLL = 0.5  # seconds; a poll that ends sooner with nothing new was cut short, so pause before the next

Mode: TypeAlias = Literal["peer", "delegate"]
HandoffStatus: TypeAlias = Literal["offered", "accepted", "declined", "returned", "timed_out", "cancelled"]


class HandoffDocument(TypedDict):
    """A handoff as the service describes it. It may have more fields."""

    handoff_id: str
    thread_id: str
    status: HandoffStatus
    mode: Mode
    from_agent: str
    to_agent: str
    to_agent_id: str
    reason: str | None
    captured_state: dict[str, Any] | None
    user_context: dict[str, Any] | None
    due_at: str | None
    decline_reason: str | None
    result: str | None
    result_state: dict[str, Any] | None


class Offer(TypedDict):
    """What `hand_off` offers."""

    thread_id: str
    to_agent: str
    reason: str
    mode: Mode
    captured_state: Mapping[str, Any] | None
    user_context: Mapping[str, Any] | None


class HandoffFlows:
    """What an agent does with handoffs, as flows (see `countersign.wire`)."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience

    def offer(
        self, offer: Offer, ask: Mapping[str, Any] | None, key: str | None, timeout: float | None
    ) -> Flow[HandoffDocument]:
        """Offers a thread. If the policy wants a person to allow it, asks for that first and waits.

        A restarted agent finds what it offered before: the same words, and not declined, returned or over.
        """
        body = {name: value for name, value in offer.items() if value is not None}
        body["reason"] = one_line(offer["reason"], MAX_SENTENCE)
        given = yield from self._given(offer)
        known = yield from self._still_open(given, body)
        if known is not None:
            return known
        try:
            return (yield from self._post(HANDOFFS, body, key or uuid.uuid4().hex))
        except HandoffError as refused:
            if refused.kind != NEEDS_PERSON:
                raise
        package = yield from self._ask(offer, ask or {}, len(given), timeout)
        allowed = body | {"decision_package_id": package.id}
        document = yield from self._post(HANDOFFS, allowed, package.id)  # one package allows one handoff
        with suppress(CountersignError):  # it stands; the service records the outcome as unknown
            yield from package.report("succeeded", None)
        return document

    def _given(self, offer: Offer) -> Flow[list[HandoffDocument]]:
        """The handoffs of this thread to this agent so far, the newest first."""
        page = yield from send(Call(method="GET", path=HANDOFFS, query={"direction": "given"}), self._patience)
        return [
            handoff
            for handoff in page["handoffs"]
            if handoff["thread_id"] == offer["thread_id"]
            and offer["to_agent"] in (handoff["to_agent"], handoff["to_agent_id"])
            and handoff["mode"] == offer["mode"]
        ]

    def _still_open(self, given: list[HandoffDocument], body: Mapping[str, Any]) -> Flow[HandoffDocument | None]:
        for handoff in given:
            if handoff["status"] in _OPEN and handoff["reason"] == body["reason"]:
                document = yield from self.read(handoff["handoff_id"])
                if all(document.get(name) == body.get(name) for name in ("captured_state", "user_context")):
                    return document
        return None

    def _ask(self, offer: Offer, fields: Mapping[str, Any], number: int, timeout: float | None) -> Flow[Package]:
        """A claimed package by which people allow this handoff. Raises NotPermittedError if they do not."""
        parameters = {"thread_id": offer["thread_id"], "to_agent": offer["to_agent"], "mode": offer["mode"]}
        proposal = {
            "title": f"Hand over to {offer['to_agent']}",
            "action_type": ASKED_FOR,
            "action_parameters": parameters,
            "proposed_action": f"Hand the thread to {offer['to_agent']} as a {offer['mode']}.",
            "rationale": offer["reason"],
            "risk_level": "high",
            "confidence": 0.9,
            "thread_id": offer["thread_id"],
            **fields,
        }
        key = digest_of([ASKED_FOR, proposal, number])
        package: Package = yield from submit_proposal(proposal, key, "", self._patience)
        outcome = yield from package.wait(timeout)
        if isinstance(outcome, Executed | Unknown) or not outcome.permits:
            raise refusal(outcome)
        package.claim_id = f"handoff-{package.id}"  # a restarted agent claims under the same id
        yield from package.claim(None)
        return package

    def read(self, handoff_id: str) -> Flow[HandoffDocument]:
        call = Call(method="GET", path=f"{HANDOFFS}/{handoff_id}")
        return (yield from send(call, self._patience))  # type: ignore[no-any-return]

    def act(self, handoff_id: str, verb: str, body: Mapping[str, Any]) -> Flow[HandoffDocument]:
        """A restarted agent that gives the same answer again gets the same reply."""
        path = f"{HANDOFFS}/{handoff_id}/{verb}"
        return (yield from self._post(path, body, digest_of([path, body])))

    def _post(self, path: str, body: Mapping[str, Any], key: str) -> Flow[HandoffDocument]:
        call = Call(method="POST", path=path, body=body, headers={"Idempotency-Key": key})
        return (yield from send(call, self._patience))  # type: ignore[no-any-return]

    def until_not(self, known: HandoffDocument, timeout: float | None) -> Flow[HandoffDocument]:
        """Waits until the handoff has another status; not at all if it can get no other."""
        if known["status"] not in _OPEN or (known["status"], known["mode"]) == ("accepted", "peer"):
            return known
        query, path = {"status": known["status"]}, f"{HANDOFFS}/{known['handoff_id']}"
        deadline = math.inf if timeout is None else time.monotonic() + timeout
        while True:
            document = yield from self._poll(path, query, deadline)
            if document["status"] != known["status"]:
                return document  # type: ignore[no-any-return]
            if time.monotonic() >= deadline:
                raise StillPendingError(
                    f"Handoff {known['handoff_id']} is still {known['status']}.", known["thread_id"]
                )

    def receive(self, timeout: float | None) -> Flow[HandoffDocument | None]:
        """The offer that waits longest, as soon as there is one; None after `timeout` seconds."""
        deadline = math.inf if timeout is None else time.monotonic() + timeout
        while True:
            page = yield from self._poll(HANDOFFS, {"status": "offered"}, deadline)
            if page["handoffs"]:
                return (yield from self.read(page["handoffs"][0]["handoff_id"]))
            if time.monotonic() >= deadline:
                return None

    def _poll(self, path: str, query: Mapping[str, Any], deadline: float) -> Flow[Any]:
        """One long poll. A service that does not answer in time is asked again as long as the deadline allows."""
        began = time.monotonic()
        wait = max(0.0, min(self._patience.poll, deadline - began))
        call = Call(method="GET", path=path, query={**query, "wait": round(wait, 3)}, poll_seconds=wait)
        try:
            answer = yield from send(call, self._patience, deadline if deadline < math.inf else None)
        except UnreachableError as fault:
            raise StillPendingError(f"No answer about handoffs: {fault}", path) from fault
        if time.monotonic() - began < min(_SHORT_POLL, wait):
            yield Pause(self._patience.rest(0, 0.0))
        return answer


class Runner(Protocol):
    def run(self, flow: Flow[T]) -> T: ...


class AsyncRunner(Protocol):
    def run(self, flow: Flow[T]) -> Awaitable[T]: ...


class _Known:
    """A handoff as this process last saw it."""

    def __init__(self, flows: HandoffFlows, document: HandoffDocument) -> None:
        self._flows, self.document = flows, document

    @property
    def handoff_id(self) -> str:
        return self.document["handoff_id"]

    @property
    def thread_id(self) -> str:
        return self.document["thread_id"]

    @property
    def status(self) -> HandoffStatus:
        return self.document["status"]

    @property
    def captured_state(self) -> dict[str, Any]:
        return self.document["captured_state"] or {}

    @property
    def user_context(self) -> dict[str, Any]:
        return self.document["user_context"] or {}

    def _act(self, verb: str, **body: Any) -> Flow[HandoffDocument]:
        given = {name: value for name, value in body.items() if value is not None}
        self.document = yield from self._flows.act(self.handoff_id, verb, given)
        return self.document

    def _wait(self, timeout: float | None) -> Flow[HandoffDocument]:
        self.document = yield from self._flows.until_not(self.document, timeout)
        return self.document


class Handoff(_Known):
    """A handoff in sync code. `Client.hand_off` and `Client.receive_handoffs` return it."""

    def __init__(self, runner: Runner, flows: HandoffFlows, document: HandoffDocument) -> None:
        super().__init__(flows, document)
        self._runner = runner

    def wait(self, timeout: float | None = None) -> HandoffDocument:
        """Waits until the status changes: until it is answered and, for a delegate, again until it is returned."""
        return self._runner.run(self._wait(timeout))

    def accept(self) -> HandoffDocument:
        """Takes the thread and its open packages. Raises HandoffError or OutOfScopeError if that is not possible."""
        return self._runner.run(self._act("accept"))

    def decline(self, reason: str | None = None) -> HandoffDocument:
        return self._runner.run(self._act("decline", reason=reason and one_line(reason, MAX_SENTENCE)))

    def return_result(self, result: str, state: Mapping[str, Any] | None = None) -> HandoffDocument:
        """Gives a delegated thread back. `result` is for people, too."""
        return self._runner.run(self._act("return", result=one_line(result, MAX_SENTENCE), result_state=state))


class AsyncHandoff(_Known):
    """`Handoff` for async code."""

    def __init__(self, runner: AsyncRunner, flows: HandoffFlows, document: HandoffDocument) -> None:
        super().__init__(flows, document)
        self._runner = runner

    async def wait(self, timeout: float | None = None) -> HandoffDocument:  # noqa: ASYNC109
        return await self._runner.run(self._wait(timeout))

    async def accept(self) -> HandoffDocument:
        return await self._runner.run(self._act("accept"))

    async def decline(self, reason: str | None = None) -> HandoffDocument:
        return await self._runner.run(self._act("decline", reason=reason and one_line(reason, MAX_SENTENCE)))

    async def return_result(self, result: str, state: Mapping[str, Any] | None = None) -> HandoffDocument:
        return await self._runner.run(self._act("return", result=one_line(result, MAX_SENTENCE), result_state=state))


def receive(runner: Runner, flows: HandoffFlows, timeout: float | None) -> Iterator[Handoff]:
    """Offers to this agent, one by one. Answer each before you ask for the next, or it comes again."""
    while (document := runner.run(flows.receive(timeout))) is not None:
        yield Handoff(runner, flows, document)


async def receive_async(runner: AsyncRunner, flows: HandoffFlows, timeout: float | None) -> AsyncIterator[AsyncHandoff]:  # noqa: ASYNC109
    while (document := await runner.run(flows.receive(timeout))) is not None:
        yield AsyncHandoff(runner, flows, document)
