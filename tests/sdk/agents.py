"""An agent that uses the SDK, beside the people who decide on what it proposes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from countersign import Client, Handle, Outcome, Patience
from playground.messages import Message
from rules.commands import Verb
from tests.bot.service import Told
from tests.slack.office import HARD, SENTA, Office

QUICK = Patience(total=5.0, poll=5.0, first_rest=0.01, longest_rest=0.1)
PARAMETERS: dict[str, Any] = HARD["action_parameters"]


class Threaded:
    """Sync code as a test in async code calls it: each call in a thread of its own."""

    def __init__(self, its: Client | Handle) -> None:
        self._its = its

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._its, name)
        return self._called(found) if callable(found) and not isinstance(found, Outcome) else found

    def _called(self, method: Callable[..., Any]) -> Callable[..., Awaitable[Any]]:
        async def called(*args: Any, **kwargs: Any) -> Any:
            given = await asyncio.to_thread(method, *args, **kwargs)
            return Threaded(given) if isinstance(given, Handle) else given

        return called


class Agent:
    """`client` is an AsyncClient, or a Client in threads: the tests are the same."""

    def __init__(self, office: Office, client: Any) -> None:
        self.office, self.client = office, client

    async def asks(self, package: Mapping[str, Any] = HARD, **more: Any) -> Any:
        return await self.client.request(**{**package, **more})

    async def card(self, handle: Any) -> Message:
        return await self.office.card(told(handle))

    async def decided(self, handle: Any, verb: Verb, values: Mapping[str, Any], by: str = SENTA) -> Outcome:
        """What the agent is told after somebody has decided, by clicks."""
        waiting = asyncio.ensure_future(handle.wait())
        await self.office.give(by, await self.card(handle), verb, values)
        return await waiting

    async def approved(self, handle: Any, by: str = SENTA) -> Outcome:
        waiting = asyncio.ensure_future(handle.wait())
        await self.office.approve(by, await self.card(handle))
        return await waiting

    async def execution(self, handle: Any) -> str:
        """As the service has it."""
        return str((await self.office.read(told(handle))).body["execution"]["state"])


def told(handle: Any) -> Told:
    return Told(200, {}, json.dumps(handle.document))
