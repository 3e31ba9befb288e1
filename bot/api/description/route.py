"""A row of the table of routes: what a route takes, its answers, and its possible problems."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from bot.api.problem_types import Kind

ETAG, LOCATION, RETRY_AFTER, REPLAYED = "ETag", "Location", "Retry-After", "Idempotent-Replayed"


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
