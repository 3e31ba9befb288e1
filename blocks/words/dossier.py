"""The input of all drawing: everything that can be shown of a package, read by the store in one transaction.

Cards, notes, Details, forms and mails are functions of a `Dossier`, so all they show is of one moment. It is read for
one reader or for a channel: `offered` and `offer` say what that reader may do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from blocks.kit.ids import Ref
from rules.authority.quorum import Tally
from rules.form_schema import FormSchema
from rules.package.model import DecisionPackage
from rules.scales import RiskLevel
from rules.state.commands import Verb
from rules.state.events import EventType
from rules.state.model import PackageState, Status, Terms
from rules.state.transition import Words
from rules.threads.model import ThreadState
from rules.verbs.trials import Offer, offered_verbs


def name_of(names: Mapping[str, str], user_id: str) -> str:
    """Operators work at the command line, under no name."""
    return "an operator" if user_id == "operator" else names.get(user_id, user_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryEvent:
    """One event of the history, with the words that came with it unless retention has emptied them.

    `role` is the role in which a person acted, `assignee` the person who has the task from then on, `mailed` those who
    were told by mail, and `unconfirmed` those of them whose mail may not have arrived. Old messages are left out of a
    history, so `revision` is not the place in it.
    """

    revision: int
    at: datetime
    event_type: str
    actor: str
    role: str | None = None
    assignee: str | None = None
    decision: str | None = None
    basis: str | None = None
    reason: str | None = None
    outcome: str | None = None
    version: int = 1
    mailed: tuple[str, ...] = ()
    unconfirmed: frozenset[str] = frozenset()
    words: Words = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierPackage:
    """How another package with the same action type and subject ended."""

    package_id: str
    status: Status
    at: datetime
    by: tuple[str, ...] = ()


class LookView(NamedTuple):
    """The package is being judged blindly. `is_own`: by the reader, who sees it as it was proposed."""

    until: datetime
    is_own: bool


def is_grave(state: PackageState, terms: Terms) -> bool:
    return state.risk >= RiskLevel.HIGH or terms.comment_required


@dataclass(frozen=True, slots=True, kw_only=True)
class Dossier:
    """`package` is None if retention has emptied it. `before` is the previous version, if there was one.

    `terms` are those of today's policy, which may be stricter than at submission. `decision_words` came with the
    current decision. `names` maps user ids to names. `mentions` are the people to mention, and `informed` those who
    learn of a failure, in Slack's notation. `more_may_decide` says whether others could decide too.
    `second_pair` says whether someone else must approve what a reviewer edited.
    `parameters_schema` is the one of the policy's catalogue, and `tags` are the reasons that it offers to tick.
    `thread` is the record of the package's thread, or of the one that holds it; `thread_words` came with its last
    command. `offer` and `card_link` are set in the views of one person: what this person may do, and a card that they
    see. A card is for everyone, so it offers what anyone with the right authority may do. `look` is set if the package
    is being judged blindly and the reader may not know how it was decided.
    """

    state: PackageState
    package: DecisionPackage | None
    before: DecisionPackage | None = None
    agent: str
    terms: Terms
    tally: Tally
    decision_words: Words = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    mentions: tuple[str, ...] = ()
    more_may_decide: bool = False
    informed: tuple[str, ...] = ()
    says_success: bool = False  # whether the policy wants a note when an action was carried out
    second_pair: bool = True
    hides_voters: bool = False  # on the card, because its approval may be judged blindly
    parameters_schema: FormSchema | None = None
    tags: tuple[str, ...] = ()
    earlier_packages: tuple[EarlierPackage, ...] = ()
    history: tuple[HistoryEvent, ...] = ()
    thread: ThreadState | None = None
    thread_words: Words = field(default_factory=dict)
    rendering_id: str | None = None
    offer: Offer | None = None
    card_link: str | None = None
    look: LookView | None = None

    @property
    def offered(self) -> tuple[Verb, ...]:
        return offered_verbs(self.state) if self.offer is None else self.offer.verbs

    @property
    def messages(self) -> tuple[HistoryEvent, ...]:
        return tuple(event for event in self.history if event.event_type == EventType.PACKAGE_MESSAGE)

    @property
    def left_out(self) -> int:
        """The number of messages that are too old for the history."""
        return max(0, self.state.message_count - len(self.messages))

    def history_after(self, revision: int) -> tuple[HistoryEvent, ...]:
        return tuple(event for event in self.history if event.revision > revision)

    @property
    def grave(self) -> bool:
        """Whether an approval needs a comment and a confirmation of its consequence."""
        return is_grave(self.state, self.terms)

    @property
    def ref(self) -> Ref:
        state = self.state
        return Ref(state.decision_package_id, state.version, state.task.rung, self.rendering_id)

    def name(self, user_id: str) -> str:
        """The name in the directory. Email addresses are known only by their digest and are not shown."""
        return "an e-mail address" if user_id.startswith("email:") else name_of(self.names, user_id)
