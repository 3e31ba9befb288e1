"""`Lineage`: who took part in a thread that was handed over. Later packages of its agents inherit it."""

from __future__ import annotations

from rules.values import Value


class Lineage(Value):
    """`agents` have or had the thread, so what people refused to one of them, and how it fared, counts for all.

    The `owners` of these agents may not approve, and the `parties` may not: people whom their packages named. Agents
    choose these, so they are treated like the people in `on_behalf_of`: if too few others are left, silence ends.
    """

    agents: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    parties: tuple[str, ...] = ()

    def without(self, agent_id: str) -> tuple[str, ...]:
        """The other agents of the thread."""
        return tuple(agent for agent in self.agents if agent != agent_id)

    def inherited_by(self, agent_id: str) -> Lineage | None:
        """Agents choose the names of threads, so only those that have had the thread inherit what came before in it."""
        return self if agent_id in self.agents else None
