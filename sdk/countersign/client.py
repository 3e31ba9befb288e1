"""The clients: they carry out flows, one in sync code and one in async code."""

from __future__ import annotations

import inspect
import ssl
import time
from functools import cache
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack

import anyio
import httpx

from countersign.handle import AsyncHandle, Handle
from countersign.package import found, submitted
from countersign.proposal import Proposal
from countersign.settings import Settings, settings
from countersign.wire import Call, Flow, Patience, Pause, Perform

T = TypeVar("T")

_CONNECT = 5.0


class Client:
    """For sync code, and safe to share between threads."""

    def __init__(
        self,
        url: str | None = None,
        key: str | None = None,
        *,
        insecure: bool = False,
        patience: Patience | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        its = settings(url, key, insecure=insecure)
        self.patience = patience or Patience()
        self._http = httpx.Client(**_options(its), transport=transport)

    def request(self, *, idempotency_key: str | None = None, step: str = "", **proposal: Unpack[Proposal]) -> Handle:
        """Proposes. The same run, step and action, or the same key, is the same proposal, also after a restart."""
        return Handle(self, self.run(submitted(proposal, idempotency_key, step, self.patience)))

    def handle(self, decision_package_id: str, *, claim_id: str | None = None) -> Handle:
        """A package that was proposed before; with the claim id of an attempt, its outcome can be reported."""
        return Handle(self, self.run(found(decision_package_id, claim_id, self.patience)))

    def run(self, flow: Flow[T]) -> T:
        try:
            step = next(flow)
            while True:
                try:
                    answer = self._do(step)
                except Exception as fault:  # noqa: BLE001 - the flow decides, and what it does not take comes out of it
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
                return step.what()

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, _: TracebackType | None) -> None:
        self.close()


class AsyncClient:
    """For async code."""

    def __init__(
        self,
        url: str | None = None,
        key: str | None = None,
        *,
        insecure: bool = False,
        patience: Patience | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        its = settings(url, key, insecure=insecure)
        self.patience = patience or Patience()
        self._http = httpx.AsyncClient(**_options(its), transport=transport)

    async def request(
        self, *, idempotency_key: str | None = None, step: str = "", **proposal: Unpack[Proposal]
    ) -> AsyncHandle:
        return AsyncHandle(self, await self.run(submitted(proposal, idempotency_key, step, self.patience)))

    async def handle(self, decision_package_id: str, *, claim_id: str | None = None) -> AsyncHandle:
        return AsyncHandle(self, await self.run(found(decision_package_id, claim_id, self.patience)))

    async def run(self, flow: Flow[T]) -> T:
        try:
            step = next(flow)
            while True:
                try:
                    answer = await self._do(step)
                except Exception as fault:  # noqa: BLE001 - as above
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
                given = step.what()
                return await given if inspect.isawaitable(given) else given

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
    """One for all: reading the authorities takes some 20 ms each time."""
    return httpx.create_ssl_context()


def _options(its: Settings) -> dict[str, Any]:
    """To this machine no proxy of the environment is used: it would be shown the key."""
    return {
        "base_url": its.url,
        "headers": {"Authorization": f"Bearer {its.key}", "User-Agent": "countersign-python"},
        "verify": _tls(),
        "trust_env": not its.is_local,
    }


def _request(call: Call, patience: Patience) -> dict[str, Any]:
    return {
        "method": call.method,
        "url": call.path,
        "json": call.body,
        "params": call.query or None,
        "headers": call.headers,
        "timeout": httpx.Timeout(call.lasts + patience.answer, connect=_CONNECT),
    }
