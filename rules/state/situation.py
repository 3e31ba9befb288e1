"""`Situation`: everything that a decision depends on besides the package and the command. The caller passes it in.

Time, chance, ids, people, the policy and what was read from the database are here, so the rules are pure and a test can
set each of them. `store.commands.situation` fills in only what the row of the verb needs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from rules.mail.mailed import Mailed
from rules.package.model import DecisionPackage, action_digest, subject_digest
from rules.people.agent_keys import NO_LOAD, Load
from rules.people.autonomy import AutonomyProfile
from rules.people.directory import AUTO, Actor, Agent, Roster
from rules.people.lineage import Lineage
from rules.policy.model import Policy
from rules.scales import HITLLevel
from rules.state.case import Background
from rules.state.model import PackageState
from rules.state.noes import EarlierNo, ProposalIdentity, RememberedNo, relevant_no
from rules.state.sightings import CardLocation
from rules.values import Moment, Value


class Memory(Value):
    """What the store remembers of the same action, of similar actions and of the thread.

    `approved_at`: when a person last approved an action of this type by this agent. `earlier_level`: the highest that
    the same action had. `thread_stopped_by`: what stopped the thread, as `refuse_stopped` reads it.
    """

    noes: tuple[RememberedNo, ...] = ()
    approved_at: Moment | None = None
    earlier_level: HITLLevel | None = None
    thread_stopped_by: str | None = None
    lineage: Lineage | None = None


MAX_BEFORE = 200  # levels, and Noes, of one agent: the latest ones
MAX_APPROVALS = 20  # votes that are looked at for the last approval: the latest ones


class Before(NamedTuple):
    """What is known of an agent and an action: the levels that the same action had, and the Noes in force."""

    levels: tuple[HITLLevel, ...]
    noes: tuple[RememberedNo, ...]


class Recollection(Protocol):
    """Where memories come from: the database, or the record as it was at an earlier time."""

    def before(self, agent_id: str) -> Before: ...

    def last_approved_at(self, agent_id: str, since: datetime) -> datetime | None: ...


def recall(past: Recollection, agents: Sequence[str]) -> dict[str, Any]:
    """The Noes, the last approval and the highest earlier level, as fields of `Memory`.

    The first agent proposes now. The others had the thread before: what they did counts as done by the first one.
    """
    before, proposer = [past.before(agent) for agent in agents], agents[0]
    remembered = (no for memory in before for no in memory.noes)
    noes = tuple(no._replace(agent_id=proposer) if no.agent_id in agents else no for no in remembered)
    earliest = min((remembered_no.no.at for remembered_no in noes), default=None)
    return {
        "noes": noes,
        "approved_at": earliest and past.last_approved_at(proposer, earliest),
        "earlier_level": max((level for memory in before for level in memory.levels), default=None),
    }


class Conversation(Value):
    """What the agent said within the last minute, oldest first: in all, and about this package (`here`).

    `reply_target_exists`: whether the message to which the agent now replies exists.
    """

    everywhere: tuple[Moment, ...] = ()
    here: tuple[Moment, ...] = ()
    reply_target_exists: bool = False


class Traces(Value):
    """Who cannot look at the package blindly.

    `involved`: who has done more with it than to read it, or read it when others had already voted.
    `looking`: who is asked for a blind look at another package.
    """

    involved: frozenset[str] = frozenset()
    looking: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """The policy, the people, the time, and whatever the verb's row says that the rule needs.

    `fresh_id`: the random part of every id that the command creates. `chance`: its random number, for sampling.
    `cards`: where the service has posted the package, as far as it knows.
    `earlier_profiles`: those of the agents that had the thread before.
    `mails`: those about the package that were sent and are not recorded yet.
    `load`: how much the agent has asked of people so far. `open_items`: how many open tasks each person has.
    `words`: the texts of the version and of its decision by event, for a claim.
    `exceptions`: packages whose exceptions may hold. `named_agents`: those that an exception names, as it names them.
    `resolved_parties`: the user ids of parties of the package that the directory itself does not name.
    """

    policy: Policy
    roster: Roster
    now: datetime
    tenant_id: str
    fresh_id: str
    actor: Actor = AUTO
    agent: Agent | None = None
    load: Load = NO_LOAD
    package: DecisionPackage | None = None
    words: Mapping[str, dict[str, Any]] | None = None
    profile: AutonomyProfile | None = None
    earlier_profiles: tuple[AutonomyProfile, ...] = ()
    resolved_parties: Mapping[str, str] = field(default_factory=dict)
    memory: Memory = field(default_factory=Memory)
    conversation: Conversation = field(default_factory=Conversation)
    open_items: dict[str, int] = field(default_factory=dict)
    traces: Traces = field(default_factory=Traces)
    exceptions: tuple[PackageState, ...] = ()
    named_agents: Mapping[str, Agent] = field(default_factory=dict)
    cards: frozenset[CardLocation] = frozenset()
    mails: tuple[Mailed, ...] = ()
    chance: float = 1.0
    clicks_provable: bool = True
    trial: bool = False  # a check before a form opens, so what the form shows has not been seen yet

    def earlier_no(self, agent_id: str, package: DecisionPackage) -> EarlierNo | None:
        """The No that affects this proposal, if there is one."""
        if not self.memory.noes:
            return None
        return self._relevant_no(ProposalIdentity(agent_id, action_digest(package), subject_digest(package)))

    def no_since(self, state: PackageState) -> EarlierNo | None:
        """The No to another package that would affect this one if it were proposed now."""
        return self._relevant_no(ProposalIdentity(state.agent_id, state.action_digest, state.subject_digest))

    def _relevant_no(self, proposed: ProposalIdentity) -> EarlierNo | None:
        return relevant_no(self.memory.noes, self.memory.approved_at, proposed)

    @property
    def _profiles(self) -> tuple[AutonomyProfile, ...]:
        return (*((self.profile,) if self.profile else ()), *self.earlier_profiles)

    @property
    def earned(self) -> HITLLevel:
        """The autonomy that the agent has earned; in a thread that was handed over, the least that its agents have."""
        own = self.profile.current_level if self.profile else self.policy.autonomy.start
        return max([own, *(profile.current_level for profile in self.earlier_profiles)])

    def background(
        self,
        agent_id: str,
        package: DecisionPackage,
        earlier: HITLLevel | None = None,
        *,
        outsider: bool = False,
        set_aside: Mapping[str, str] | None = None,
    ) -> Background:
        """What `assess` needs to know beside the package itself."""
        earlier_levels = [level for level in (earlier, self.memory.earlier_level) if level is not None]
        since = self.now - self.policy.matrix.failure_window
        return Background(
            earned=self.earned,
            failures=max((profile.failures_since(since) for profile in self._profiles), default=0),
            earlier=max(earlier_levels, default=None),
            earlier_no=self.earlier_no(agent_id, package),
            outsider=outsider,
            clicks_provable=self.clicks_provable,
            set_aside=set_aside or {},
        )
