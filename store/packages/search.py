"""Searches of the queue: by agent, action type and risk in the database, by words in what was read from it.

Words are compared with titles and subjects, which are in the content of a package. So a search by words reads content,
a batch at a time, and only for packages that their agent's name and action type do not settle already.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, func

from rules.search import Search
from rules.state.model import PackageState
from rules.state.transition import Words
from store.packages.content import load_words
from store.packages.packages import PACKAGES

Condition = ColumnElement[bool]


@dataclass(frozen=True, slots=True)
class Searcher:
    """One search, in one transaction. `agents` are the names of all agents by id."""

    connection: Connection
    tenant_id: str
    search: Search
    agents: Mapping[str, str]

    @property
    def reads_content(self) -> bool:
        return bool(self.search.words)

    def conditions(self) -> list[Condition]:
        """On the columns of packages."""
        search, conditions = self.search, list[Condition]()
        if search.agent:
            conditions.append(PACKAGES.c.agent_id.in_(self._agents_named(search.agent.casefold())))
        if search.action_type:
            kind = func.lower(PACKAGES.c.action_type)
            conditions.append(kind.contains(search.action_type.lower(), autoescape=True))
        if search.risk:
            conditions.append(PACKAGES.c.risk == search.risk.value)
        return conditions

    def _agents_named(self, part: str) -> list[str]:
        return [agent_id for agent_id, name in self.agents.items() if part in name.casefold()]

    def having_words(self, states: Sequence[PackageState]) -> list[PackageState]:
        """Those of these packages that have every word of the search."""
        settled = [self.search.matches_words(self._labels(state)) for state in states]
        unsettled = [
            state.version_event_id for state, is_settled in zip(states, settled, strict=True) if not is_settled
        ]
        content = load_words(self.connection, self.tenant_id, *unsettled)
        return [
            state
            for state, is_settled in zip(states, settled, strict=True)
            if is_settled
            or self.search.matches_words((*self._labels(state), *_texts(content.get(state.version_event_id))))
        ]

    def _labels(self, state: PackageState) -> tuple[str, str]:
        return self.agents.get(state.agent_id, ""), state.action_type


def _texts(words: Words | None) -> list[str]:
    """The title and the subject. Retention may have emptied them."""
    package = (words or {}).get("package")
    if not isinstance(package, dict):
        return []
    return [str(package[name]) for name in ("title", "subject_type", "subject_id") if package.get(name)]
