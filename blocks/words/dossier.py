"""All that there is to show of a package: gathered by the store in one reading, drawn by everything here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from blocks.kit.ids import Ref
from rules.authority.quorum import Tally
from rules.package.model import DecisionPackage
from rules.scales import RiskLevel
from rules.state.commands import Verb
from rules.state.model import PackageState, Status, Terms
from rules.state.transition import Words
from rules.verbs.available import offered_verbs


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """One line of the history: an event, and what was said with it as far as retention has left it."""

    at: datetime
    event_type: str
    actor: str
    decision: str | None = None
    basis: str | None = None
    reason: str | None = None
    outcome: str | None = None
    version: int = 1
    words: Words = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """How another package of this action type about this subject ended."""

    package_id: str
    status: Status
    at: datetime
    by: tuple[str, ...] = ()


def is_grave(state: PackageState, terms: Terms) -> bool:
    return state.risk >= RiskLevel.HIGH or terms.comment_required


@dataclass(frozen=True, slots=True, kw_only=True)
class Dossier:
    """`package` is None where retention has emptied it. `before` is the version before this one, if there was one.

    `terms` are today's: the policy may have become stricter. `said` are the words of the decision that stands.
    `names` gives the people of the directory their names; `asked` is who is mentioned, in Slack's own notation, and
    `others_asked` whether more people could decide.
    """

    state: PackageState
    package: DecisionPackage | None
    before: DecisionPackage | None = None
    agent: str
    terms: Terms
    tally: Tally
    said: Words = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    asked: tuple[str, ...] = ()
    others_asked: bool = False
    earlier: tuple[Earlier, ...] = ()
    history: tuple[Happened, ...] = ()
    rendering_id: str | None = None

    @property
    def offered(self) -> tuple[Verb, ...]:
        return offered_verbs(self.state)

    @property
    def grave(self) -> bool:
        """Whether a decision to go ahead asks for a comment and a confirmation of its consequence."""
        return is_grave(self.state, self.terms)

    @property
    def ref(self) -> Ref:
        state = self.state
        return Ref(state.decision_package_id, state.version, state.task.rung, self.rendering_id)

    def name(self, user_id: str) -> str:
        """As the directory has it; an address that is known only by its digest stays unnamed."""
        return "an e-mail address" if user_id.startswith("email:") else self.names.get(user_id, user_id)
