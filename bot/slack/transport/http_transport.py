"""The HTTP transport: proof that Slack's requests reach us.

There are two proofs. Either Slack has just called and got its answer; or Slack has called this address within a week,
and a probe of our own has just arrived through it. Both must arrive with the same `Host`: a probe to an internal
address would bypass the proxy that Slack must pass.

A probe takes the whole path of a click: proxy, endpoint, Bolt and database. It carries a nonce that counts once and
that only the sender and the database know, so nobody else can make or repeat a probe. Behind a balancer, a probe proves
the path into the replica where it arrives, whichever replica sent it.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from urllib.parse import urlsplit

import structlog

from bot.slack.transport.probe import Prober
from bot.slack.transport.signature import plain_host, request_age, request_host
from scheduler.time.click_transport import Proof
from store.installation import presence, slack_requests
from store.store import Store

log = structlog.get_logger()

PROBES_EVERY = timedelta(seconds=30)
WEEK = timedelta(days=7)
NO_ADDRESS = (
    "COUNTERSIGN_PUBLIC_URL is not set, so nothing proves that an objection would arrive:"
    " soft approvals need an explicit approval. Set it to the address that Slack calls"
)
CALL_IT = "open the app's Home in Slack, and check the Request URL in the app's settings"
KEPT_EVERY = timedelta(hours=1)  # a request from Slack is stored at most this often


class Call(NamedTuple):
    """A request from Slack: its host and its time."""

    host: str
    at: datetime


def _real() -> datetime:
    return datetime.now(UTC)


class HttpTransport:
    sockets = 0

    def __init__(self, store: Store, prober: Prober | None, real: Callable[[], datetime] = _real) -> None:
        self._store, self._prober, self._real = store, prober, real
        self._slack: Proof | None = None
        self._probed: Proof | None = None
        self._host = plain_host(urlsplit(prober.address).netloc) if prober else ""  # of the newest probe
        self._heard: Call | None = None
        self._kept: Call | None = None
        self._failed: str | None = None  # why the last probe failed
        self._tried = self._called = False
        self._has_arrived = False  # whether any probe has: some networks let no request of our own back in
        self.hears: bool | None = None  # unknown until Slack has called, or a probe of this process has arrived

    @property
    def trouble(self) -> str | None:
        """Why silence cannot be proven now, and what to do."""
        if self._prober is None:
            return NO_ADDRESS
        if self._failed:
            return f"a request to {self._prober.address} does not come back in: {self._failed}"
        if self._called:
            return None
        if self._heard and self._heard.host != self._host:
            return (
                f"Slack calls {self._heard.host}, and a probe of {self._prober.address} arrives at {self._host}:"
                " set COUNTERSIGN_PUBLIC_URL to the address that Slack calls"
            )
        return f"Slack has not called {self._prober.address} within a week; {CALL_IT}"

    def request_served(self) -> None:
        """A request from Slack was carried out. The proof is as old as the request's signature.

        Someone may have recorded the request, and send it again past a proxy that is down.
        """
        signed = timedelta(seconds=request_age())
        proof = Proof(self._store.clock() - signed, time.monotonic() - signed.total_seconds())
        if self._slack is None or proof.real > self._slack.real:
            self._slack, self._heard = proof, Call(request_host(), self._real() - signed)
            self.hears = True

    async def probe_arrived(self, nonce: str) -> bool:
        """A probe of this or another process arrived. It counts once, and only while it is awaited."""
        tenant_id = self._store.installation.tenant_id
        awaited = await self._store.write(lambda connection: presence.finish_probe(connection, tenant_id, nonce))
        if awaited:
            self._probed, self._host = self._now(), request_host()
        return awaited

    async def prove(self, *, wanted: bool, again: bool, pending: bool) -> Proof | None:
        """Probes are sent while any package waits, so that it is noticed if people cannot decide."""
        prober = self._prober
        if prober is None:
            return self._slack
        if again or not self._tried or ((wanted or pending or self.hears is False) and await self._is_due()):
            await self._probe(prober)
        self._called = await self._called_lately()
        proofs = (self._slack, self._probed if self._called else None)
        return max(filter(None, proofs), key=lambda proof: proof.real, default=None)

    async def _is_due(self) -> bool:
        """A click may reach any process, so probes are sent as long as any process lacks a recent proof."""
        installation, now = self._store.installation, self._store.clock()
        old = min(PROBES_EVERY, installation.policy.soft.proof_every / 2)
        newest = max((proof.at for proof in (self._slack, self._probed) if proof), default=None)
        if newest is None or now - newest >= old:
            return True
        return await self._store.read(
            lambda connection: presence.is_another_unproven(
                connection, installation.tenant_id, installation.process_id, now, old
            )
        )

    async def _probe(self, prober: Prober) -> None:
        """Earlier proofs are void once a probe fails: a click may have failed as well."""
        installation, nonce = self._store.installation, secrets.token_urlsafe(32)
        await self._store.write(
            lambda connection: presence.start_probe(connection, installation.tenant_id, installation.process_id, nonce)
        )
        self._failed = await prober.send(nonce) or await self._arrival_failure(nonce)
        self._tried = True
        self._has_arrived = self._has_arrived or not self._failed
        lost = False if self._has_arrived else None
        self.hears = lost if self._failed else True
        if self._failed:
            log.warning("silence.probe_failed", address=prober.address, error=self._failed)
            self._slack, self._probed = None if self._probed else self._slack, None

    async def _arrival_failure(self, nonce: str) -> str | None:
        installation = self._store.installation
        key = (installation.tenant_id, installation.process_id, nonce)
        lost = await self._store.read(lambda connection: presence.is_probe_pending(connection, *key))
        return "something else answers there, and does not pass requests on" if lost else None

    async def _called_lately(self) -> bool:
        """Whether Slack called the host of our probes within a week, in any process."""
        tenant_id, call, address = self._store.installation.tenant_id, self._heard, self._host
        if call and self._is_news(call):
            await self._store.write(
                lambda connection: slack_requests.record_slack_request(connection, tenant_id, *call)
            )
            self._kept = call
        if call and call.host == address:
            return self._real() - call.at <= WEEK
        last = await self._store.read(
            lambda connection: slack_requests.last_slack_request(connection, tenant_id, address)
        )
        return last is not None and self._real() - last <= WEEK

    def _is_news(self, call: Call) -> bool:
        kept = self._kept
        return kept is None or call.host != kept.host or call.at - kept.at >= KEPT_EVERY

    def _now(self) -> Proof:
        return Proof(self._store.clock(), time.monotonic())
