"""The values of an audit: the trail of a package, its claimed length, head and state, and the faults that are found.

Nothing in a record is trusted to be well-formed, because a forger may write any JSON.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from rules.threads.model import is_thread

TENANT = "tenant"  # stands for the id of the tenant's own chain


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of the record: in which chain, at which event, and what is wrong."""

    package_id: str
    revision: int | None
    event_id: str | None
    sentence: str

    def __str__(self) -> str:
        revision = "" if self.revision is None else f" revision {self.revision}"
        event = "" if self.event_id is None else f" ({self.event_id})"
        return f"{self.package_id}{revision}{event}: {self.sentence}"


class Claim(NamedTuple):
    """The length, head and state of a chain, as claimed by the package's row or by an export."""

    length: int
    head: str | None
    state: dict[str, Any] | None = None


class StoredWords(NamedTuple):
    """The texts stored beside an event and their salt; both are None after retention erased them."""

    event_id: str
    salt: Any
    words: Any


class StoredRendering(NamedTuple):
    """A stored rendering: what a person saw. The body is None after retention erased it."""

    rendering_id: str
    body: Any


class StoredPolicy(NamedTuple):
    """The stored text of a policy that was in force, and the digest that decisions name."""

    digest: str
    version: Any
    text: Any


@dataclass(slots=True)
class Trail:
    """Everything stored about one package or thread. `noticed`: faults that its reader has found already."""

    package_id: str
    events: list[Any] = field(default_factory=list)
    contents: list[StoredWords] = field(default_factory=list)
    renderings: list[StoredRendering] = field(default_factory=list)
    claim: Claim | None = None
    noticed: list[Fault] = field(default_factory=list)


@dataclass(slots=True)
class Counts:
    """How much of a record was read."""

    packages: int = 0
    threads: int = 0
    events: int = 0
    contents: int = 0
    tenant_events: int = 0
    renderings: int = 0
    policies: int = 0

    def add_trail(self, trail: Trail) -> None:
        """Count a package or thread that was read."""
        if is_thread(trail.package_id):
            self.threads += 1
        else:
            self.packages += 1
        self.events += len(trail.events)
        self.contents += len(trail.contents)
        self.renderings += len(trail.renderings)


def parse_strict_json(text: str) -> Any:
    """Parse JSON and refuse a name that appears twice in an object: readers differ in which value they use."""
    try:
        return _READER.decode(text)
    except RecursionError as fault:
        raise ValueError("the nesting is too deep") from fault


def _unique_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        times = Counter(name for name, _ in pairs)
        twice = next(name for name in times if times[name] > 1)
        raise ValueError(f"the name {json.dumps(twice)} appears twice in one object")
    return members


_READER = json.JSONDecoder(object_pairs_hook=_unique_names)
