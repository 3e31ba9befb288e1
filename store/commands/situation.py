"""Loads what the rule of a command needs, and nothing else. The `needs` of its row in `rules.verbs.table` say what.

A rule reads no database: all that it may look at is in its `Situation`, read in the transaction that will write its
result. Most commands need little, so only the verbs that state a need pay for its query.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, bindparam, cast, null, select, union_all

from rules.authority.parties import unresolved_parties
from rules.package.exceptions import requested_exception
from rules.package.model import DecisionPackage, action_digest, subject_digest
from rules.package.takeover_reach import HasThread
from rules.people.autonomy import AutonomyProfile, start_profile
from rules.people.directory import Agent, Roster
from rules.people.lineage import Lineage
from rules.policy.exceptions import marked_rules
from rules.policy.model import Policy, Windows
from rules.scales import HITLLevel
from rules.spelling import normalize_name
from rules.state.agent_commands import ClaimExecution, NewVersion, Say
from rules.state.commands import ApproveWithEdits, Command
from rules.state.model import PackageState
from rules.state.situation import MAX_BEFORE, Before, Memory, Situation, recall
from rules.verbs.decisions import apply_edit
from rules.verbs.spec import Needs
from rules.verbs.submission import Submit
from rules.verbs.table import VERBS
from rules.verbs.validity import depends_on_autonomy, granted_without_people
from store.agents import parties
from store.agents.agents import load_agent, load_agent_in_thread, load_named_agents, load_proposing_agent
from store.commands.invocation import Invocation
from store.engine.statements import fetch_all
from store.installation.installation import Installation, fresh_id
from store.mail.records import unrecorded_mails
from store.outbox.cards import posted_cards
from store.oversight.looks import load_traces
from store.packages import noes
from store.packages.autonomy import load_profile
from store.packages.content import load_words
from store.packages.documents import document_words
from store.packages.exceptions import lock_cited_exceptions, lock_granted_exceptions
from store.packages.messages import load_conversation
from store.packages.packages import PACKAGES, Loaded
from store.packages.queue import count_open_items
from store.packages.threads import holder_values
from store.schema.tables import VersionRow, core

VERSIONS = core(VersionRow)

# One query for the review levels of the same action of this agent before, and for every No to a similar action.
_LEVELS = (
    select(VERSIONS.c.level, *(cast(null(), column.type).label(column.name) for column in noes.COLUMNS))
    .join(PACKAGES, and_(VERSIONS.c.tenant_id == PACKAGES.c.tenant_id, VERSIONS.c.package_id == PACKAGES.c.package_id))
    .where(
        VERSIONS.c.tenant_id == bindparam("tenant"),
        VERSIONS.c.agent_id == bindparam("agent"),
        VERSIONS.c.action_digest == bindparam("digest"),
        VERSIONS.c.package_id != bindparam("own"),
        PACKAGES.c.updated_at > bindparam("since", type_=PACKAGES.c.updated_at.type),
    )
    .order_by(VERSIONS.c.created_at.desc())
    .limit(MAX_BEFORE)
)
_NOES = (
    select(cast(null(), VERSIONS.c.level.type).label("level"), *noes.COLUMNS)
    .where(*noes.IN_FORCE)
    .order_by(*noes.ORDER)
    .limit(MAX_BEFORE)
)
_MEMORY = select(union_all(_LEVELS.subquery().select(), _NOES.subquery().select()).subquery())


def load_situation(
    connection: Connection, installation: Installation, invocation: Invocation, loaded: Loaded | None, roster: Roster
) -> Situation:
    """Read the situation of a command: what its row needs, and what every command has."""
    command = invocation.command
    return Situation(
        policy=roster.policy,
        roster=roster,
        now=invocation.now,
        tenant_id=installation.tenant_id,
        fresh_id=fresh_id(),
        actor=invocation.actor,
        chance=invocation.chance,
        clicks_provable=installation.clicks_provable,
        trial=invocation.trial,
        open_items=_open_items(connection, roster, installation.tenant_id, command),
        exceptions=_exceptions(connection, installation.tenant_id, roster.policy, invocation, loaded),
        resolved_parties=_known_parties(connection, installation.tenant_id, command, roster),
        **_loaded_fields(connection, installation.tenant_id, roster.policy, invocation, loaded),
    )


def _open_items(connection: Connection, roster: Roster, tenant_id: str, command: Command) -> dict[str, int]:
    """The number of open tasks of each reviewer."""
    return count_open_items(connection, tenant_id, roster.reviewers) if may_assign(roster.policy, command) else {}


def may_assign(policy: Policy, command: Command) -> bool:
    """Whether the command may assign a task to someone: not if the policy lets reviewers pick tasks themselves."""
    return policy.queue.assign != "pull" and Needs.OPEN_ITEMS in _needs(command)


def locks_agent(command: Command) -> bool:
    """Whether the command locks its agent's row: such commands of one agent run one after the other."""
    return Needs.AGENT_ALONE in _needs(command)


def _needs(command: Command) -> frozenset[Needs]:
    return VERBS[type(command)].needs


def _known_parties(connection: Connection, tenant_id: str, command: Command, roster: Roster) -> dict[str, str]:
    """Queried only if the package names parties that the directory does not know."""
    unknown = unresolved_parties(command.package, roster) if isinstance(command, Submit | NewVersion) else ()
    return parties.resolve_parties(connection, tenant_id, unknown) if unknown else {}


def _loaded_fields(
    connection: Connection, tenant: str, policy: Policy, invocation: Invocation, loaded: Loaded | None
) -> dict[str, Any]:
    """Agent, action type and thread come from the submitted package, or else from the loaded one."""
    command, needs = invocation.command, _needs(invocation.command)
    subject = command.package if isinstance(command, Submit) else loaded and loaded.state
    agent_id = invocation.agent_id or (loaded.state.agent_id if loaded else None)
    if subject is None or agent_id is None:
        return {}
    fields, memory = _agent_and_thread(connection, tenant, agent_id, invocation, subject)
    lineage: Lineage | None = memory.get("lineage")
    earlier = lineage.without(agent_id) if lineage else ()
    if Needs.PROFILE in needs and not _claims_without_trust(command, loaded, policy):
        fields["profile"] = load_profile(connection, tenant, agent_id, subject.action_type)
        fields["earlier_profiles"] = _earlier_profiles(connection, tenant, policy, subject.action_type, earlier)
    if Needs.CARDS in needs:
        fields["cards"] = posted_cards(connection, tenant, [command.decision_package_id])[command.decision_package_id]
    if Needs.MAILS in needs:
        fields["mails"] = unrecorded_mails(connection, tenant, command.decision_package_id)
    if loaded and Needs.CONTENT in needs:
        fields["package"] = load_package_content(connection, tenant, loaded.state.version_event_id)
    if loaded and Needs.WORDS in needs:
        fields["words"] = document_words(connection, loaded.state)
    if Needs.MESSAGES in needs and isinstance(command, Say):
        fields["conversation"] = load_conversation(connection, tenant, agent_id, command, invocation.now)
    if loaded and Needs.TRACES in needs and policy.audit.sample.of(loaded.state.risk) and not invocation.trial:
        fields["traces"] = load_traces(connection, tenant, command.decision_package_id)
    if action := _memory_subject(command, needs, loaded, fields.get("package")):
        fields["named_agents"] = _named_agents(connection, tenant, action)
        memory |= _load_memory(connection, tenant, policy.windows, invocation, (agent_id, *earlier), action)
    return fields | {"memory": Memory(**memory)}


def _agent_and_thread(
    connection: Connection, tenant: str, agent_id: str, invocation: Invocation, subject: HasThread
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Fields of the situation (the agent) and of its memory (who holds the thread), as far as the rule needs them."""
    needs = _needs(invocation.command)
    thread = holder_values(subject, invocation.command.decision_package_id) if Needs.THREAD in needs else None
    if Needs.AGENT_ALONE in needs:
        return {"agent": load_agent(connection, tenant, agent_id, lock=True)}, {}
    if Needs.AGENT_LOAD in needs:
        row = load_proposing_agent(connection, tenant, agent_id, thread, invocation.now)
    elif Needs.AGENT in needs:
        row = load_agent_in_thread(connection, tenant, agent_id, thread)
    else:
        return {}, {}
    inherited = row.lineage.inherited_by(agent_id) if row.lineage else None
    in_thread = {"thread_stopped_by": row.holder, "lineage": inherited}
    return {"agent": row.agent, "load": row.load}, in_thread


def _earlier_profiles(
    connection: Connection, tenant: str, policy: Policy, action_type: str, agents: Sequence[str]
) -> tuple[AutonomyProfile, ...]:
    """What the agents that had the thread before have earned; at first, what every agent starts with."""
    return tuple(
        load_profile(connection, tenant, agent, action_type) or start_profile(agent, action_type, policy)
        for agent in agents
    )


def _memory_subject(
    command: Command, needs: frozenset[Needs], loaded: Loaded | None, current: DecisionPackage | None
) -> DecisionPackage | PackageState | None:
    """The action to which an earlier No matters: a proposed one, or a claimed one that no person has approved."""
    if Needs.MEMORY not in needs:
        return None
    if isinstance(command, Submit | NewVersion | ApproveWithEdits):
        return _proposed_package(command, current)
    if loaded is None:
        return None
    approved_by_people = isinstance(command, ClaimExecution) and not granted_without_people(loaded.state)
    return None if approved_by_people else loaded.state


def _proposed_package(
    command: Submit | NewVersion | ApproveWithEdits, current: DecisionPackage | None
) -> DecisionPackage | None:
    """The package that this command brings: the agent's, or the reviewer's edited version, if it is valid."""
    if not isinstance(command, ApproveWithEdits):
        return command.package
    proposed = apply_edit(current, command.action_parameters)
    return proposed if isinstance(proposed, DecisionPackage) else None


def _exceptions(
    connection: Connection, tenant: str, policy: Policy, invocation: Invocation, loaded: Loaded | None
) -> tuple[PackageState, ...]:
    """The exceptions that may hold for a proposal, if the policy allows any; later, those that the package cites."""
    command = invocation.command
    if Needs.EXCEPTIONS not in _needs(command):
        return ()
    if not isinstance(command, Submit | NewVersion | ApproveWithEdits):
        return lock_cited_exceptions(connection, tenant, loaded.state) if loaded else ()
    subject = _proposal(command, loaded)
    agent_id = loaded.state.agent_id if loaded else invocation.agent_id
    if subject is None or agent_id is None or not marked_rules(policy.rules):
        return ()
    about = subject_digest(subject) if isinstance(subject, DecisionPackage) else subject.subject_digest
    return lock_granted_exceptions(connection, tenant, agent_id, subject.action_type, about)


def _proposal(
    command: Submit | NewVersion | ApproveWithEdits, loaded: Loaded | None
) -> DecisionPackage | PackageState | None:
    """Where the action type is read from. A reviewer's edit does not change it, so then it is the loaded state."""
    return command.package if isinstance(command, Submit | NewVersion) else loaded and loaded.state


def _named_agents(connection: Connection, tenant: str, action: DecisionPackage | PackageState) -> dict[str, Agent]:
    """The agents for which an exception is asked, by the names or ids that the package gives."""
    requested = requested_exception(action) if isinstance(action, DecisionPackage) else None
    return load_named_agents(connection, tenant, requested.agents) if requested and requested.agents else {}


def _claims_without_trust(command: Command, loaded: Loaded | None, policy: Policy) -> bool:
    """Whether a claim needs no earned trust: most do not, because people have approved."""
    return isinstance(command, ClaimExecution) and not (loaded and depends_on_autonomy(loaded.state, policy))


def load_package_content(connection: Connection, tenant_id: str, event_id: str) -> DecisionPackage | None:
    """The version as the agent posted it; None if retention has emptied it."""
    words = load_words(connection, tenant_id, event_id).get(event_id)
    return DecisionPackage.model_validate(words["package"]) if words else None


class _StoredMemory:
    """What people said to the same and to similar actions, as the database has it now; `recall` asks."""

    def __init__(self, connection: Connection, key: dict[str, Any], action_type: str) -> None:
        self._connection, self._key, self._action_type = connection, key, action_type

    def before(self, agent_id: str) -> Before:
        rows = fetch_all(self._connection, _MEMORY, self._key | {"agent": agent_id})
        return Before(
            levels=tuple(HITLLevel(row.level) for row in rows if row.level),
            noes=tuple(noes.remembered_no(row) for row in rows if row.event_id),
        )

    def last_approved_at(self, agent_id: str, since: datetime) -> datetime | None:
        return noes.last_approved_at(self._connection, self._key["tenant"], agent_id, self._action_type, since)


def _load_memory(  # noqa: PLR0917 - the parameters of the query
    connection: Connection,
    tenant: str,
    windows: Windows,
    invocation: Invocation,
    agents: tuple[str, ...],
    action: DecisionPackage | PackageState,
) -> dict[str, Any]:
    """Every No to the same or a similar action, and the highest level that the same action had before.

    `agents`: the agent, then those that had its thread before. What people said to those counts as said to the agent.
    """
    now = invocation.now
    key = {
        "tenant": tenant,
        "action_type": normalize_name(action.action_type),
        "digest": action_digest(action) if isinstance(action, DecisionPackage) else action.action_digest,
        "own": invocation.command.decision_package_id,
        "since": now - max(windows.rejection, windows.same_digest),
        "no_since": now - windows.rejection,
    }
    return recall(_StoredMemory(connection, key, action.action_type), agents)
