"""A row of the table of routes: what a route takes, its answers, and its possible problems."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from bot.api.problem_types import Fault, Kind
from rules.reasons import Reason

ETAG, LOCATION, RETRY_AFTER, REPLAYED = "ETag", "Location", "Retry-After", "Idempotent-Replayed"

# The problems that many routes share: of every agent's request; of one about a package; of one with a body; of one that
# takes an idempotency key.
ANY = (Fault.UNAUTHENTICATED, Fault.BAD_REQUEST, Fault.INTERNAL, Fault.UNAVAILABLE, Fault.POLICY_UNREADABLE)
ONE = (*ANY, Reason.NOT_FOUND)
WRITE = (Fault.NOT_JSON, Fault.TOO_LARGE, Fault.INVALID, Reason.TOO_BUSY)
KEYED = (Reason.IDEMPOTENCY_CONFLICT,)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """An answer that a route can give, other than a problem.

    `body` is a model or a media type, and "" if there is none. A header that ends with `?` is optional. `links` names
    the routes that can follow.
    """

    status: int
    when: str
    body: type[BaseModel] | str
    headers: tuple[str, ...] = ()
    example: Any = None
    links: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Route:
    """`name` is the operationId. `bodies`: the possible models of a request's body. `takes`: its headers."""

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
