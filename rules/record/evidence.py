"""What there is to audit: the trail of a package, what it is said to come to, and what can be found at fault.

Nothing that stands in a record is trusted to have a form: a forger may write whatever JSON they like.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, NamedTuple

TENANT = "tenant"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that does not fit: in which chain, at which event, and what."""

    package_id: str
    revision: int | None
    event_id: str | None
    what: str

    def __str__(self) -> str:
        revision = "" if self.revision is None else f" revision {self.revision}"
        event = "" if self.event_id is None else f" ({self.event_id})"
        return f"{self.package_id}{revision}{event}: {self.what}"


class Claim(NamedTuple):
    """What a chain is said to come to, by the package's row or by an export: its length, its head and the state."""

    length: int
    head: str | None
    state: dict[str, Any] | None = None


class StoredWords(NamedTuple):
    """The words beside an event and their salt; both are None where retention has emptied them."""

    event_id: str
    salt: Any
    words: Any


class StoredRendering(NamedTuple):
    """A rendering: what a person saw, as it was kept. The body is None where retention has emptied it."""

    rendering_id: str
    body: Any


class StoredPolicy(NamedTuple):
    """The text of a policy that was in force, and the digest by which decisions name it."""

    digest: str
    version: Any
    text: Any


@dataclass(slots=True)
class Trail:
    """All that is kept of one package. `noticed` is what its reader has found wrong already."""

    package_id: str
    events: list[Any] = field(default_factory=list)
    contents: list[StoredWords] = field(default_factory=list)
    renderings: list[StoredRendering] = field(default_factory=list)
    claim: Claim | None = None
    noticed: list[Fault] = field(default_factory=list)


@dataclass(slots=True)
class Counts:
    packages: int = 0
    events: int = 0
    contents: int = 0
    tenant_events: int = 0
    renderings: int = 0
    policies: int = 0


def parse_strict_json(text: str) -> Any:
    """JSON with one meaning: of two members with one name, readers differ in which they believe."""
    try:
        return _READER.decode(text)
    except RecursionError as fault:
        raise ValueError("the nesting is too deep") from fault


def _each_name_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        times = Counter(name for name, _ in pairs)
        twice = next(name for name in times if times[name] > 1)
        raise ValueError(f"the name {json.dumps(twice)} appears twice in one object")
    return members


_READER = json.JSONDecoder(object_pairs_hook=_each_name_once)
