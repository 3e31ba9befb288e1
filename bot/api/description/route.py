"""A row of the table of routes: what a route takes, its answers, and its possible problems."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from bot.api.problem_types import Fault, Kind
from rules.reasons import Reason

ETAG, LOCATION, RETRY_AFTER, REPLAYED = "ETag", "Location", "Retry-After", "Idempotent-Replayed"

# The problems that many routes share: any, of one package, when something is written, with an idempotency key.
ANY = (Fault.UNAUTHENTICATED, Fault.BAD_REQUEST, Fault.INTERNAL, Fault.UNAVAILABLE, Fault.POLICY_UNREADABLE)
ONE = (*ANY, Reason.NOT_FOUND)
WRITE = (Fault.NOT_JSON, Fault.TOO_LARGE, Fault.INVALID, Reason.TOO_BUSY)
KEYED = (Reason.IDEMPOTENCY_CONFLICT,)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A successful answer. A header that ends with `?` is optional; `body=""` means no body."""

    status: int
    when: str
    body: type[BaseModel] | str
    headers: tuple[str, ...] = ()
    example: Any = None
    links: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Route:
    name: str
    method: str
    path: str
    title: str
    text: str
    answers: tuple[Answer, ...]
    problems: tuple[Kind, ...] = ()
    bodies: tuple[type[BaseModel], ...] = ()
    examples: tuple[tuple[str, Any], ...] = ()
    query: type[BaseModel] | None = None
    takes: tuple[str, ...] = ()

    @property
    def of_agents(self) -> bool:
        return self.path.startswith("/v1/")
