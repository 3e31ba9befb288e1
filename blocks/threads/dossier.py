"""Everything that one person is shown of a thread, read by the store in one transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from blocks.kit.ids import Ref
from blocks.words.dossier import name_of
from rules.reasons import Refusal
from rules.state.model import PackageState
from rules.state.transition import Words
from rules.threads.commands import ThreadVerb
from rules.threads.model import ThreadState


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadPackage:
    """A package of the thread that the reader may see. `title` is None if retention has emptied it."""

    state: PackageState
    title: str | None

    @property
    def ref(self) -> Ref:
        return Ref(self.state.decision_package_id, self.state.version, self.state.task.rung)


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadEvent:
    """An event of the thread or of one of its packages. `about` is the title of the package."""

    at: datetime
    event_type: str
    actor: str
    about: str | None = None
    decision: str | None = None
    words: Words = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadDossier:
    """`words` came with the last hold, resumption or cancellation.

    `refusals`: why the reader may not use a verb; None: they may.
    `unseen` counts the packages that the reader may not see, and `left_out` the events that are not in `history`.
    """

    state: ThreadState
    agent: str
    packages: tuple[ThreadPackage, ...] = ()
    unseen: int = 0
    history: tuple[ThreadEvent, ...] = ()
    left_out: int = 0
    words: Words = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    refusals: Mapping[ThreadVerb, Refusal | None] = field(default_factory=dict)

    @property
    def offered(self) -> tuple[ThreadVerb, ...]:
        return tuple(verb for verb, refusal in self.refusals.items() if refusal is None)

    def name(self, actor_id: str) -> str:
        return name_of(self.names, actor_id)
