"""An agent that uses the SDK, beside the people who decide on what it proposes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import replace
from functools import wraps
from typing import Any

from countersign import Handle, Outcome, Patience, gate
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


class Threaded:
    """Sync code as a test in async code calls it: each call in a thread of its own."""

    def __init__(self, its: Any) -> None:
        self.its = its

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.its, name)
        return self.threaded(found) if callable(found) else found

    def threaded(self, method: Callable[..., Any]) -> Callable[..., Awaitable[Any]]:
        async def called(*args: Any, **kwargs: Any) -> Any:
            given = await asyncio.to_thread(method, *args, **kwargs)
            return Threaded(given) if isinstance(given, Handle) else given

        return called


class Agent:
    """`client` is an AsyncClient, or a Client in threads: the tests are the same."""

    def __init__(self, office: Office, client: Any, network: Network) -> None:
        self.office, self.client, self.network = office, client, network

    async def asks(self, package: Mapping[str, Any] = HARD, **more: Any) -> Any:
        return await self.client.request(**{**package, **more})

    def gated(self, function: Callable[..., Any], **options: Any) -> Callable[..., Awaitable[Any]]:
        """The function behind a gate of this agent's: an async one where its client is."""
        said = {"action_type": "record.read", "risk_level": "high", "confidence": 0.95, **DOSSIER, **options}
        if isinstance(self.client, Threaded):
            return self.client.threaded(gate(client=self.client.its, **said)(function))

        @wraps(function)
        async def awaited(*args: Any, **kwargs: Any) -> Any:
            return function(*args, **kwargs)

        gated: Callable[..., Awaitable[Any]] = gate(client=self.client, **said)(awaited)
        return gated

    async def proposed(self, status: str = "pending", count: int = 1) -> Any:
        """The newest package, once so many have come to this status."""
        async with asyncio.timeout(60):
            while True:
                self.network.used.clear()
                packages = (await self.office.get("/v1/packages")).body["packages"]
                if sum(each["status"] == status for each in packages) >= count:
                    return Response(200, {}, json.dumps(packages[0]))
                await self.network.used.wait()  # until the agent says or hears something more

    async def approves(self, by: str = SENTA) -> None:
        """What is asked now, whoever waits for it."""
        await self.office.approve(by, await self.card(await self.proposed()))

    async def gives(self, verb: Verb, by: str = SENTA, **values: Any) -> None:
        await self.office.give(by, await self.card(await self.proposed()), verb, values)

    def gives_up_soon(self) -> None:
        """Where nobody will answer any more."""
        (self.client.its if isinstance(self.client, Threaded) else self.client).patience = BRIEF

    @asynccontextmanager
    async def executing(self, handle: Any) -> AsyncIterator[dict[str, Any]]:
        if not isinstance(handle, Threaded):
            async with handle.executing() as parameters:
                yield parameters
            return
        its: AbstractContextManager[dict[str, Any]] = handle.its.executing()
        try:
            yield await asyncio.to_thread(its.__enter__)
        except Exception as fault:
            await asyncio.to_thread(its.__exit__, type(fault), fault, fault.__traceback__)
            raise
        await asyncio.to_thread(its.__exit__, None, None, None)

    async def card(self, handle: Any) -> Message:
        return await self.office.card(told(handle))

    async def decided(self, handle: Any, verb: Verb, values: Mapping[str, Any], by: str = SENTA) -> Outcome:
        """What the agent is told after somebody has decided, by clicks."""
        waiting: asyncio.Future[Outcome] = asyncio.ensure_future(handle.wait())
        await self.office.give(by, await self.card(handle), verb, values)
        return await waiting

    async def approved(self, handle: Any, by: str = SENTA) -> Outcome:
        waiting: asyncio.Future[Outcome] = asyncio.ensure_future(handle.wait())
        await self.office.approve(by, await self.card(handle))
        return await waiting

    async def execution(self, handle: Any) -> str:
        """As the service has it."""
        return str((await self.office.read(told(handle))).body["execution"]["state"])


def told(handle: Any) -> Response:
    if isinstance(handle, Response):
        return handle
    return Response(200, {}, json.dumps(handle.document))
