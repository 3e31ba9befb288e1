"""What is sent and when it is sent again, written once for sync and async: a flow yields what it wants done.

Everything that this package says to the service may be said twice: proposals carry an idempotency key, claims a claim
id, and the rest changes nothing the second time. So whatever is not answered is sent again, for as long as somebody is
patient.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeVar

import httpx

from countersign.errors import BadAnswerError, UnavailableError, UnreachableError, problem

log = logging.getLogger("countersign")

T = TypeVar("T")

# A proxy or a service that is starting, stopping or busy; the request itself is not at fault.
_PASSING = frozenset([408, 425, 429, 500, 502, 503, 504])
_NOT_MODIFIED = 304
_FAULTY = 400
_LONGEST_ASKED = 300.0  # seconds: who asks for a longer rest is asked again all the same


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One HTTP request; what comes back is a response, or why there was none."""

    method: str
    path: str
    body: Mapping[str, Any] | None = None
    query: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    lasts: float = 0.0  # for how long the service may take on purpose


@dataclass(frozen=True, slots=True)
class Pause:
    """So many seconds of nothing."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Perform:
    """Something of the agent's own: what it gives, or awaits to, comes back; what it raises is raised here."""

    what: Callable[[], Any]


Flow: TypeAlias = Generator[Call | Pause | Perform, Any, T]


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long to go on asking; for how long one poll waits, and one answer may take; how long to rest in between."""

    total: float = 60.0
    poll: float = 25.0
    answer: float = 15.0
    first_rest: float = 0.2
    longest_rest: float = 5.0
    limited: float = 600.0  # seconds of rest that 429 may ask for, beside `total`

    def rest(self, tries: int, asked: float) -> float:
        """Longer each time, never in step with the other agents, and never sooner than the service asked for."""
        longest = min(self.longest_rest, self.first_rest * 2.0**tries)
        return max(asked, longest * random.uniform(0.5, 1.0))  # noqa: S311 - to spread load, not to keep a secret


def answered(call: Call, patience: Patience, until: float | None = None) -> Flow[Any]:
    """The body of the answer. Sent again until there is one, or until the moment (by the monotonic clock) has come.

    A rest that a rate limit asks for uses up no patience: the service is there, and says when to come back.
    """
    limited, has_end = patience.limited, until is not None
    until = time.monotonic() + patience.total if until is None else until
    tries = 0
    while True:
        reply = yield call
        if isinstance(reply, httpx.Response) and reply.status_code not in _PASSING:
            return _read(reply)
        rest = patience.rest(tries, _asked_rest(reply))
        if _is_rate_limit(reply) and not has_end:
            until, limited = until + rest, limited - rest
        if limited < 0 or time.monotonic() + rest >= until:
            raise _given_up(call, reply)
        if tries == 0:
            log.warning("countersign: %s %s: %s; trying again", call.method, call.path, _why(reply))
        tries += 1
        yield Pause(rest)


def _read(reply: httpx.Response) -> Any:
    """Nothing, if the service says that what the caller has is still how it is."""
    if reply.status_code == _NOT_MODIFIED:
        return None
    body = _object(reply)
    if body is None:
        raise BadAnswerError(f"{reply.url} answered {reply.status_code} without JSON; is COUNTERSIGN_URL right?")
    if reply.status_code >= _FAULTY:
        raise problem(reply.status_code, body)
    return body


def _object(reply: httpx.Response) -> dict[str, Any] | None:
    """Whoever answers may be no service, and may send anything."""
    try:
        body = reply.json()
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None


def _given_up(call: Call, reply: httpx.Response | httpx.RequestError) -> Exception:
    """A service that answers has its own reason; else it is out of reach."""
    if isinstance(reply, httpx.Response) and "problem+json" in reply.headers.get("Content-Type", ""):
        return problem(reply.status_code, _object(reply) or {}, UnavailableError)
    return UnreachableError(
        f"{call.method} {call.path}: {_why(reply)}. Nothing was lost: saying the same again is safe."
    )


def _is_rate_limit(reply: httpx.Response | httpx.RequestError) -> bool:
    return isinstance(reply, httpx.Response) and reply.status_code == httpx.codes.TOO_MANY_REQUESTS


def _asked_rest(reply: httpx.Response | httpx.RequestError) -> float:
    said = reply.headers.get("Retry-After", "") if isinstance(reply, httpx.Response) else ""
    return min(float(said), _LONGEST_ASKED) if said.isascii() and said.isdigit() else 0.0


def _why(reply: httpx.Response | httpx.RequestError) -> str:
    if isinstance(reply, httpx.Response):
        return f"the service answered {reply.status_code}"
    return f"the service cannot be reached ({type(reply).__name__}: {reply})"
