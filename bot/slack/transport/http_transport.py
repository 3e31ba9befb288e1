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
SAVED_EVERY = timedelta(hours=1)  # the time of a request from Slack is stored at most this often


class Call(NamedTuple):
    """A request from Slack: its host and its time."""

    host: str
    at: datetime


class HttpTransport:
    sockets = 0

    def __init__(self, store: Store, prober: Prober | None) -> None:
        self._store, self._prober = store, prober
        self._proof_by_slack: Proof | None = None
        self._proof_by_probe: Proof | None = None
        self._last_call: Call | None = None
        self._saved_call: Call | None = None
        self._was_called_lately = False
        self._probe_host = plain_host(urlsplit(prober.address).netloc) if prober else ""  # of the newest probe
        self._probe_failure: str | None = None  # of the newest probe
        self._has_probed = False
        self._has_probe_arrived = False  # some networks let no request of our own back in
        self.hears: bool | None = None  # unknown until Slack has called, or a probe of this process has arrived

    @property
    def trouble(self) -> str | None:
        """Why silence cannot be proven now, and what to do."""
        if self._prober is None:
            return NO_ADDRESS
        if self._probe_failure:
            return f"a request to {self._prober.address} does not come back in: {self._probe_failure}"
        if self._was_called_lately:
            return None
        if self._last_call and self._last_call.host != self._probe_host:
            return (
                f"Slack calls {self._last_call.host}, and a probe of {self._prober.address} arrives at"
                f" {self._probe_host}: set COUNTERSIGN_PUBLIC_URL to the address that Slack calls"
            )
        return f"Slack has not called {self._prober.address} within a week; {CALL_IT}"

    def request_served(self) -> None:
        """A request from Slack was carried out. The proof is as old as the request's signature.

        Someone may have recorded the request, and send it again past a proxy that is down.
        """
        age = timedelta(seconds=request_age())
        proof = Proof(self._store.clock() - age, time.monotonic() - age.total_seconds())
        if self._proof_by_slack is None or proof.real > self._proof_by_slack.real:
            self._proof_by_slack, self._last_call = proof, Call(request_host(), datetime.now(UTC) - age)
            self.hears = True

    async def probe_arrived(self, nonce: str) -> bool:
        """A probe of this or another process arrived. It counts once, and only while it is awaited."""
        tenant_id = self._store.installation.tenant_id
        awaited = await self._store.write(lambda connection: presence.finish_probe(connection, tenant_id, nonce))
        if awaited:
            self._proof_by_probe, self._probe_host = self._now(), request_host()
        return awaited

    async def prove(self, *, wanted: bool, again: bool, pending: bool) -> Proof | None:
        """Probes are sent while any package waits, so that it is noticed if people cannot decide."""
        prober = self._prober
        if prober is None:
            return self._proof_by_slack
        if again or not self._has_probed or ((wanted or pending or self.hears is False) and await self._is_due()):
            await self._probe(prober)
        self._was_called_lately = await self._called_lately()
        proofs = (self._proof_by_slack, self._proof_by_probe if self._was_called_lately else None)
        return max(filter(None, proofs), key=lambda proof: proof.real, default=None)

    async def _is_due(self) -> bool:
        """A click may reach any process, so probes are sent as long as any process lacks a recent proof."""
        installation, now = self._store.installation, self._store.clock()
        max_age = min(PROBES_EVERY, installation.policy.soft.proof_every / 2)
        newest = max((proof.at for proof in (self._proof_by_slack, self._proof_by_probe) if proof), default=None)
        if newest is None or now - newest >= max_age:
            return True
        return await self._store.read(
            lambda connection: presence.is_another_unproven(
                connection, installation.tenant_id, installation.process_id, now, max_age
            )
        )

    async def _probe(self, prober: Prober) -> None:
        """Send a probe. If probes arrived here before and this one fails, a click may have failed as well."""
        installation, nonce = self._store.installation, secrets.token_urlsafe(32)
        await self._store.write(
            lambda connection: presence.start_probe(connection, installation.tenant_id, installation.process_id, nonce)
        )
        self._probe_failure = await prober.send(nonce) or await self._arrival_failure(nonce)
        self._has_probed = True
        if self._probe_failure is None:
            self._has_probe_arrived = self.hears = True
            return
        log.warning("silence.probe_failed", address=prober.address, error=self._probe_failure)
        self.hears = False if self._has_probe_arrived else None
        if self._proof_by_probe:
            self._proof_by_slack = self._proof_by_probe = None

    async def _arrival_failure(self, nonce: str) -> str | None:
        installation = self._store.installation
        key = (installation.tenant_id, installation.process_id, nonce)
        lost = await self._store.read(lambda connection: presence.is_probe_pending(connection, *key))
        return "something else answers there, and does not pass requests on" if lost else None

    async def _called_lately(self) -> bool:
        """Whether Slack called the host of our probes within a week, in any process."""
        tenant_id, call, host = self._store.installation.tenant_id, self._last_call, self._probe_host
        if call and self._must_be_saved(call):
            await self._store.write(
                lambda connection: slack_requests.record_slack_request(connection, tenant_id, *call)
            )
            self._saved_call = call
        if call and call.host == host:
            return datetime.now(UTC) - call.at <= WEEK
        last = await self._store.read(lambda connection: slack_requests.last_slack_request(connection, tenant_id, host))
        return last is not None and datetime.now(UTC) - last <= WEEK

    def _must_be_saved(self, call: Call) -> bool:
        saved = self._saved_call
        return saved is None or call.host != saved.host or call.at - saved.at >= SAVED_EVERY

    def _now(self) -> Proof:
        return Proof(self._store.clock(), time.monotonic())
