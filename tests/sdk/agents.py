"""An agent that uses the SDK, and the reviewers who decide on its packages."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import replace
from functools import wraps
from typing import Any

from countersign import Handle, Handoff, Outcome, Patience, Thread, gate
from playground.model.messages import Message
from rules.state.commands import Verb
from tests.bot.service import Response
from tests.bot.slack.office import HARD, SENTA, Office
from tests.sdk.network import Network

QUICK = Patience(total=2.0, poll=5.0, first_rest=0.01, longest_rest=0.1)
BRIEF = replace(QUICK, total=0.05)
DOSSIER: dict[str, Any] = {
    "rationale": "The customer asked for it.",
    "evidence_refs": ["doc_1"],
    "known_uncertainties": ["The record may be old."],
    "side_effect_preview": {"reads": 1},
    "consequence": "Nothing changes.",
    "policy_basis": ["P-1"],
}
PARAMETERS: dict[str, Any] = HARD["action_parameters"]


class ThreadedCalls:
    """Wraps a sync object so that async tests can await its methods: each call runs in a thread."""

    def __init__(self, wrapped: Any) -> None:
        self.wrapped = wrapped

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self.wrapped, name)
        return self.in_thread(attribute) if callable(attribute) else attribute

    def in_thread(self, method: Callable[..., Any]) -> Callable[..., Awaitable[Any]]:
        async def call_in_thread(*args: Any, **kwargs: Any) -> Any:
            result = await asyncio.to_thread(method, *args, **kwargs)
            return ThreadedCalls(result) if isinstance(result, Handle | Handoff | Thread) else result

        return call_in_thread


class Agent:
    """An agent of the SDK. `client` is an AsyncClient, or a Client in threads, so that the same tests run on both."""

    def __init__(self, office: Office, client: Any, network: Network) -> None:
        self.office, self.client, self.network = office, client, network

    async def request(self, package: Mapping[str, Any] = HARD, **more: Any) -> Any:
        return await self.client.request(**{**package, **more})

    def gate(self, function: Callable[..., Any], **options: Any) -> Callable[..., Awaitable[Any]]:
        """The function behind a gate of this agent; an async function if the client is async."""
        fields = {"action_type": "record.read", "risk_level": "high", "confidence": 0.95, **DOSSIER, **options}
        if isinstance(self.client, ThreadedCalls):
            return self.client.in_thread(gate(client=self.client.wrapped, **fields)(function))

        @wraps(function)
        async def call_async(*args: Any, **kwargs: Any) -> Any:
            return function(*args, **kwargs)

        gated: Callable[..., Awaitable[Any]] = gate(client=self.client, **fields)(call_async)
        return gated

    def callback(self, function: Callable[..., Coroutine[Any, Any, Any]]) -> Callable[..., Any]:
        """The function as this agent's client takes callbacks: a sync client's waits in its thread."""
        if not isinstance(self.client, ThreadedCalls):
            return function
        loop = asyncio.get_running_loop()

        @wraps(function)
        def call_from_thread(*args: Any, **kwargs: Any) -> Any:
            return asyncio.run_coroutine_threadsafe(function(*args, **kwargs), loop).result(60)

        return call_from_thread

    async def wait_for_package(self, status: str = "pending", count: int = 1) -> Any:
        """Waits until `count` packages have this status and returns the newest package."""
        async with asyncio.timeout(60):
            while True:
                self.network.activity.clear()
                packages = (await self.office.get("/v1/packages")).body["packages"]
                if sum(package["status"] == status for package in packages) >= count:
                    return Response(200, {}, json.dumps(packages[0]))
                await self.network.activity.wait()  # until the agent sends or receives more

    async def approve_newest(self, by: str = SENTA) -> None:
        """Approves the newest pending package."""
        await self.office.approve(by, await self.card(await self.wait_for_package()))

    async def give_newest(self, verb: Verb, by: str = SENTA, **values: Any) -> None:
        await self.office.give(by, await self.card(await self.wait_for_package()), verb, values)

    def lose_patience(self) -> None:
        """Makes the client give up soon, for tests in which the service does not answer."""
        (self.client.wrapped if isinstance(self.client, ThreadedCalls) else self.client).patience = BRIEF

    @asynccontextmanager
    async def executing(self, handle: Any) -> AsyncIterator[dict[str, Any]]:
        if not isinstance(handle, ThreadedCalls):
            async with handle.executing() as parameters:
                yield parameters
            return
        context: AbstractContextManager[dict[str, Any]] = handle.wrapped.executing()
        try:
            yield await asyncio.to_thread(context.__enter__)
        except Exception as fault:
            await asyncio.to_thread(context.__exit__, type(fault), fault, fault.__traceback__)
            raise
        await asyncio.to_thread(context.__exit__, None, None, None)

    async def card(self, handle: Any) -> Message:
        return await self.office.card(as_answer(handle))

    async def decide_and_wait(self, handle: Any, verb: Verb, values: Mapping[str, Any], by: str = SENTA) -> Outcome:
        """Decides by clicks while the agent waits, and returns the agent's outcome."""
        outcome: asyncio.Future[Outcome] = asyncio.ensure_future(handle.wait())
        await self.office.give(by, await self.card(handle), verb, values)
        return await outcome

    async def approve_and_wait(self, handle: Any, by: str = SENTA) -> Outcome:
        outcome: asyncio.Future[Outcome] = asyncio.ensure_future(handle.wait())
        await self.office.approve(by, await self.card(handle))
        return await outcome

    async def execution(self, handle: Any) -> str:
        """The execution state at the service."""
        return str((await self.office.read(as_answer(handle))).body["execution"]["state"])


def as_answer(handle: Any) -> Response:
    if isinstance(handle, Response):
        return handle
    return Response(200, {}, json.dumps(handle.document))
