"""Requests and retries, written once for sync and async code.

A flow is a generator. It yields what it wants done (a `Call`, a `Pause`, a `Perform`), and `Client` or `AsyncClient`
does it and sends back the result. All logic is in the flows, so that sync and async code cannot differ.

Every request is safe to repeat: proposals carry an idempotency key, claims a claim id, and the others change nothing
the second time. So `send` repeats a request that was not answered until the client's patience ends.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias, TypeVar

import httpx

from countersign.errors import BadAnswerError, UnavailableError, UnreachableError
from countersign.problems import problem

log = logging.getLogger("countersign")

T = TypeVar("T")

# A proxy, or a service that is starting, stopping or busy: the request itself is not wrong.
_TRANSIENT = frozenset([408, 425, 429, 500, 502, 503, 504])
_SHORT_POLL = 0.5  # seconds; a poll that ends sooner was cut short
_MAX_RETRY_AFTER = 300.0  # seconds; a longer Retry-After is cut to this


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One HTTP request. The flow gets back the response, or the httpx.RequestError if there was none."""

    method: str
    path: str
    body: Mapping[str, Any] | None = None
    query: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    poll_seconds: float = 0.0  # how long the service may hold back its answer


@dataclass(frozen=True, slots=True)
class Pause:
    """A pause in seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Perform:
    """A call of the agent's own code. Its (awaited) result goes back to the flow; its exception is raised there."""

    function: Callable[[], Any]


Flow: TypeAlias = Generator[Call | Pause | Perform, Any, T]


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a client retries, in seconds.

    `total`: retry an unanswered request for so long. `poll`: hold one long poll. `answer`: wait for one answer (a
    poll's time comes on top). `first_rest` and `longest_rest`: the first and longest pause between retries. `limited`:
    the longest total pause that rate limits (429) may demand, on top of `total`.
    """

    total: float = 60.0
    poll: float = 25.0
    answer: float = 15.0
    first_rest: float = 0.2
    longest_rest: float = 5.0
    limited: float = 600.0

    def rest(self, tries: int, retry_after: float) -> float:
        """The next pause: it doubles, is random so that agents do not retry in step, and respects Retry-After."""
        longest = min(self.longest_rest, self.first_rest * 2.0**tries)
        return max(retry_after, longest * random.uniform(0.5, 1.0))  # noqa: S311 - to spread load, not to keep a secret


def send(call: Call, patience: Patience, deadline: float | None = None) -> Flow[Any]:
    """Sends until there is an answer and returns its body; gives up at the deadline (of the monotonic clock).

    Without a deadline, pauses that a rate limit demands do not use up the patience: the service is there and says when
    to come back.
    """
    rate_limits_extend = deadline is None
    limited = patience.limited
    deadline = time.monotonic() + patience.total if deadline is None else deadline
    tries = 0
    while True:
        reply = yield call
        if isinstance(reply, httpx.Response) and reply.status_code not in _TRANSIENT:
            return _read(reply)
        pause = patience.rest(tries, _retry_after(reply))
        if _is_rate_limit(reply) and rate_limits_extend:
            deadline, limited = deadline + pause, limited - pause
        if limited < 0 or time.monotonic() + pause >= deadline:
            raise _final_error(call, reply)
        if tries == 0:
            log.warning("countersign: %s %s: %s; trying again", call.method, call.path, _reason(reply))
        tries += 1
        yield Pause(pause)


def long_poll(call: Call, patience: Patience, deadline: float, is_new: Callable[[Any], bool]) -> Flow[Any]:
    """Sends one long poll, even if no time is left, and repeats it until the deadline if the service does not answer.

    `deadline` is `math.inf` if the caller waits without an end. If the poll was cut short and its answer is not new, it
    pauses, so that no proxy makes the agent ask again and again.
    """
    began = time.monotonic()
    wait = max(0.0, min(patience.poll, deadline - began))
    timed = replace(call, query={**call.query, "wait": round(wait, 3)}, poll_seconds=wait)
    answer = yield from send(timed, patience, deadline)
    if not is_new(answer) and time.monotonic() - began < min(_SHORT_POLL, wait):
        yield Pause(patience.rest(0, 0.0))
    return answer


def send_for_all(path: str, field: str, patience: Patience) -> Flow[list[Any]]:
    """All pages of a list, as one list."""
    entries: list[Any] = []
    query: dict[str, Any] = {}
    while True:
        page = yield from send(Call(method="GET", path=path, query=query), patience)
        entries += page[field]
        if page["next_cursor"] is None:
            return entries
        query = {"cursor": page["next_cursor"]}


def _read(reply: httpx.Response) -> Any:
    """The body of an answer. None for 304: the caller's document is still current."""
    if reply.status_code == httpx.codes.NOT_MODIFIED:
        return None
    body = _object(reply)
    if body is None:
        raise BadAnswerError(f"{reply.url} answered {reply.status_code} without JSON; is COUNTERSIGN_URL right?")
    if reply.is_error:
        raise problem(reply.status_code, body)
    return body


def _object(reply: httpx.Response) -> dict[str, Any] | None:
    """The body, if it is a JSON object. Any server may have answered, with any body."""
    try:
        body = reply.json()
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None


def _final_error(call: Call, reply: httpx.Response | httpx.RequestError) -> Exception:
    """The service's own problem, if it answered with one; otherwise the service is unreachable."""
    if isinstance(reply, httpx.Response) and "problem+json" in reply.headers.get("Content-Type", ""):
        return problem(reply.status_code, _object(reply) or {}, UnavailableError)
    return UnreachableError(f"{call.method} {call.path}: {_reason(reply)}. It is safe to send the same request again.")


def _is_rate_limit(reply: httpx.Response | httpx.RequestError) -> bool:
    return isinstance(reply, httpx.Response) and reply.status_code == httpx.codes.TOO_MANY_REQUESTS


def _retry_after(reply: httpx.Response | httpx.RequestError) -> float:
    header = reply.headers.get("Retry-After", "") if isinstance(reply, httpx.Response) else ""
    return min(float(header), _MAX_RETRY_AFTER) if header.isascii() and header.isdigit() else 0.0


def _reason(reply: httpx.Response | httpx.RequestError) -> str:
    if isinstance(reply, httpx.Response):
        return f"the service answered {reply.status_code}"
    return f"the service cannot be reached ({type(reply).__name__}: {reply})"
