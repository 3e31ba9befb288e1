"""The address that comes with a click or command: it accepts five messages within half an hour."""

from __future__ import annotations

from dataclasses import dataclass, field

from playground.model.clock import Clock
from playground.model.ids import secret
from playground.model.refusals import RefusedError

MAX_USES = 5
LIFETIME = 1_800.0  # seconds


@dataclass(slots=True, kw_only=True)
class ResponseUrl:
    """What the address was issued for. `ts` is the original message, if there is one."""

    channel: str
    user: str
    at: float
    ts: str | None = None
    thread_ts: str | None = None
    uses: int = 0


@dataclass(slots=True)
class ResponseUrls:
    clock: Clock
    _given: dict[str, ResponseUrl] = field(default_factory=dict)

    def give(self, *, channel: str, user: str, ts: str | None = None, thread_ts: str | None = None) -> str:
        key = secret()
        self._given[key] = ResponseUrl(channel=channel, user=user, ts=ts, thread_ts=thread_ts, at=self.clock())
        return key

    def find(self, key: str) -> ResponseUrl:
        url = self._given.get(key)
        if url is None:
            raise RefusedError("no_service")
        if self.clock() - url.at > LIFETIME:
            raise RefusedError("expired_url")
        if url.uses >= MAX_USES:
            raise RefusedError("used_url")
        return url

    def move(self, old: str, new: str) -> None:
        for url in self._given.values():
            url.channel = new if url.channel == old else url.channel
