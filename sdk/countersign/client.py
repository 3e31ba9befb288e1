"""The clients for sync and async code. Both send requests for the same flows (see `countersign.wire`).

A client reads its URL and key from the environment unless they are passed in. It repeats requests that failed on the
way, always with the same idempotency key, so nothing is done twice.
"""

from __future__ import annotations

import inspect
import ssl
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from functools import cache
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack

import anyio
import httpx

from countersign.handle import AsyncHandle, Handle
from countersign.handoff_flows import HandoffFlows, Offer
from countersign.handoffs import AsyncHandoff, Handoff, receive, receive_async
from countersign.package import fetch_package, submit_proposal
from countersign.proposal import Proposal
from countersign.settings import Settings, read_settings
from countersign.threads import AsyncThread, Thread, ThreadFlows
from countersign.wire import Call, Flow, Patience, Pause, Perform

T = TypeVar("T")

_CONNECT_SECONDS = 5.0


class Client:
    """A client for sync code. Threads can share it.

    `url` and `key` default to COUNTERSIGN_URL (else this machine) and COUNTERSIGN_AGENT_KEY. `insecure` allows plain
    http to another machine. `patience` says how long and how often to retry. `transport` replaces httpx's own, for
    example in tests.
    """

    def __init__(
        self,
        url: str | None = None,
        key: str | None = None,
        *,
        insecure: bool = False,
        patience: Patience | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        settings = read_settings(url, key, insecure=insecure)
        self.patience = patience or Patience()
        self._http = httpx.Client(**_options(settings), transport=transport)

    def request(self, *, idempotency_key: str | None = None, step: str = "", **proposal: Unpack[Proposal]) -> Handle:
        """Proposes an action (or plan, question …) and returns its handle, on which to `wait()` for the decision.

        Keywords are the fields of `countersign.proposal.Proposal`. Two requests with the same `idempotency_key` are one
        proposal. Without a key, two requests with the same `run_id`, `step` and action are one proposal, so a restarted
        agent finds what it asked before. Without a `run_id` as well, each request is a new proposal.
        """
        return Handle(self, self.run(submit_proposal(proposal, idempotency_key, step, self.patience)))

    def handle(self, decision_package_id: str, *, claim_id: str | None = None) -> Handle:
        """The handle of a package that was proposed before.

        Give the `claim_id` of an earlier attempt to report the outcome of that attempt.
        """
        return Handle(self, self.run(fetch_package(decision_package_id, claim_id, self.patience)))

    def thread(self, thread_id: str) -> Thread:
        """The thread that packages name with `thread_id`: its state, checkpoints, and whether a person holds it."""
        return Thread(self, ThreadFlows(thread_id, self.patience))

    def hand_off(
        self,
        thread_id: str,
        *,
        ask: Mapping[str, Any] | None = None,
        key: str | None = None,
        timeout: float | None = None,
        **offer: Unpack[Offer],
    ) -> Handoff:
        """Offers a thread to another agent: to a `peer` for good, to a `delegate` until it returns it with a result.

        Keywords are the fields of `countersign.handoffs.Offer`. If the policy wants a person to allow it, asks and
        waits up to `timeout` seconds. `ask` then adds fields to the proposal, such as `requested_by` or `risk_level`.
        A restarted agent that offers the same gets the open handoff; with an idempotency `key`, the handoff of that
        key. Raises HandoffError if the thread cannot be handed over.
        """
        flows = HandoffFlows(self.patience)
        return Handoff(self, flows, self.run(flows.offer(thread_id, offer, ask, key, timeout)))

    def receive_handoffs(self, timeout: float | None = None) -> Iterator[Handoff]:
        """Offers to this agent, one by one, as they come. Ends after `timeout` seconds without one."""
        return receive(self, HandoffFlows(self.patience), timeout)

    def run(self, flow: Flow[T]) -> T:
        """Runs a flow to its end: does each step that it yields and sends the result back into it."""
        try:
            step = next(flow)
            while True:
                try:
                    answer = self._do(step)
                except Exception as fault:  # noqa: BLE001 - a flow handles its own errors; others leave it here
                    step = flow.throw(fault)
                else:
                    step = flow.send(answer)
        except StopIteration as done:
            return done.value  # type: ignore[no-any-return]

    def _do(self, step: Call | Pause | Perform) -> Any:
        match step:
            case Call():
                try:
                    return self._http.request(**_request(step, self.patience))
                except httpx.RequestError as fault:
                    return fault
            case Pause():
                return time.sleep(step.seconds)
            case Perform():
                return step.function()

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, _: TracebackType | None) -> None:
        self.close()


class AsyncClient:
    """`Client` for async code."""

    def __init__(
        self,
        url: str | None = None,
        key: str | None = None,
        *,
        insecure: bool = False,
        patience: Patience | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        settings = read_settings(url, key, insecure=insecure)
        self.patience = patience or Patience()
        self._http = httpx.AsyncClient(**_options(settings), transport=transport)

    async def request(
        self, *, idempotency_key: str | None = None, step: str = "", **proposal: Unpack[Proposal]
    ) -> AsyncHandle:
        return AsyncHandle(self, await self.run(submit_proposal(proposal, idempotency_key, step, self.patience)))

    async def handle(self, decision_package_id: str, *, claim_id: str | None = None) -> AsyncHandle:
        return AsyncHandle(self, await self.run(fetch_package(decision_package_id, claim_id, self.patience)))

    def thread(self, thread_id: str) -> AsyncThread:
        return AsyncThread(self, ThreadFlows(thread_id, self.patience))

    async def hand_off(
        self,
        thread_id: str,
        *,
        ask: Mapping[str, Any] | None = None,
        key: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109
        **offer: Unpack[Offer],
    ) -> AsyncHandoff:
        flows = HandoffFlows(self.patience)
        return AsyncHandoff(self, flows, await self.run(flows.offer(thread_id, offer, ask, key, timeout)))

    def receive_handoffs(self, timeout: float | None = None) -> AsyncIterator[AsyncHandoff]:
        return receive_async(self, HandoffFlows(self.patience), timeout)

    async def run(self, flow: Flow[T]) -> T:
        try:
            step = next(flow)
            while True:
                try:
                    answer = await self._do(step)
                except Exception as fault:  # noqa: BLE001 - a flow handles its own errors; others leave it here
                    step = flow.throw(fault)
                else:
                    step = flow.send(answer)
        except StopIteration as done:
            return done.value  # type: ignore[no-any-return]

    async def _do(self, step: Call | Pause | Perform) -> Any:
        match step:
            case Call():
                try:
                    return await self._http.request(**_request(step, self.patience))
                except httpx.RequestError as fault:
                    return fault
            case Pause():
                return await anyio.sleep(step.seconds)
            case Perform():
                result = step.function()
                return await result if inspect.isawaitable(result) else result

    async def close(self) -> None:
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, _: TracebackType | None
    ) -> None:
        await self.close()


@cache
def _tls() -> ssl.SSLContext:
    """All clients share one context, because loading the certificate authorities takes some 20 ms."""
    return httpx.create_ssl_context()


def _options(settings: Settings) -> dict[str, Any]:
    """Requests to this machine ignore the environment's proxies: over plain http, a proxy could read the key."""
    return {
        "base_url": settings.url,
        "headers": {"Authorization": f"Bearer {settings.key}", "User-Agent": "countersign-python"},
        "verify": _tls(),
        "trust_env": not settings.is_local,
    }


def _request(call: Call, patience: Patience) -> dict[str, Any]:
    return {
        "method": call.method,
        "url": call.path,
        "json": call.body,
        "params": call.query or None,
        "headers": call.headers,
        "timeout": httpx.Timeout(call.poll_seconds + patience.answer, connect=_CONNECT_SECONDS),
    }
