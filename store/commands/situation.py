"""Loads what a command's rules look at, and nothing else. What that is stands in its row (`rules.verbs.table`)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, and_, bindparam, cast, null, select, union_all

from rules.authority.parties import unresolved_parties
from rules.package.model import DecisionPackage, action_digest
from rules.people.directory import Roster
from rules.policy.model import Policy, Windows
from rules.scales import HITLLevel
from rules.spelling import normalize_name
from rules.state.commands import ApproveWithEdits, ClaimExecution, Command, NewVersion
from rules.state.model import PackageState
from rules.state.situation import Memory, Situation
from rules.state.takeover_reach import HasThread
from rules.verbs.decisions import apply_edit
from rules.verbs.spec import Needs
from rules.verbs.submission import Submit
from rules.verbs.table import VERBS
from rules.verbs.validity import depends_on_trust, granted_without_people
from store.agents import parties
from store.agents.agents import load_agent, load_agent_in_thread, load_proposing_agent
from store.commands.invocation import Invocation
from store.engine.statements import fetch_all
from store.installation.installation import Installation, fresh_id
from store.outbox.cards import posted_cards
from store.packages import rejections
from store.packages.autonomy import load_profile
from store.packages.content import load_words
from store.packages.documents import document_words
from store.packages.packages import PACKAGES, Loaded
from store.packages.queue import count_open_items
from store.packages.threads import holder_values
from store.schema.tables import VersionRow, core

VERSIONS = core(VersionRow)

# How grave the same action of this agent was found before, and what people said no to: read together.
_LEVELS = (
    select(VERSIONS.c.level, *(cast(null(), column.type).label(column.name) for column in rejections.COLUMNS))
    .join(PACKAGES, and_(VERSIONS.c.tenant_id == PACKAGES.c.tenant_id, VERSIONS.c.package_id == PACKAGES.c.package_id))
    .where(
        VERSIONS.c.tenant_id == bindparam("tenant"),
        VERSIONS.c.agent_id == bindparam("agent"),
        VERSIONS.c.action_digest == bindparam("digest"),
        VERSIONS.c.package_id != bindparam("own"),
        PACKAGES.c.updated_at > bindparam("since", type_=PACKAGES.c.updated_at.type),
    )
    .order_by(VERSIONS.c.created_at.desc())
    .limit(200)
)
_NOES = (
    select(cast(null(), VERSIONS.c.level.type).label("level"), *rejections.COLUMNS)
    .where(*rejections.IN_FORCE)
    .order_by(*rejections.ORDER)
    .limit(200)
)
_BEFORE = select(union_all(_LEVELS.subquery().select(), _NOES.subquery().select()).subquery())


def load_situation(
    connection: Connection, installation: Installation, asked: Invocation, found: Loaded | None, roster: Roster
) -> Situation:
    command = asked.command
    return Situation(
        policy=roster.policy,
        roster=roster,
        now=asked.now,
        tenant_id=installation.tenant_id,
        fresh_id=fresh_id(),
        actor=asked.actor,
        chance=asked.chance,
        clicks_provable=installation.clicks_provable,
        trial=asked.trial,
        open_items=_open_items(connection, roster, installation.tenant_id, command),
        resolved_parties=_known_parties(connection, installation.tenant_id, command, roster),
        **_looked_up(connection, installation.tenant_id, roster.policy, asked, found),
    )


def _open_items(connection: Connection, roster: Roster, tenant_id: str, command: Command) -> dict[str, int]:
    """How much each reviewer has before them."""
    return count_open_items(connection, tenant_id, roster.reviewers) if may_assign(roster.policy, command) else {}


def may_assign(policy: Policy, command: Command) -> bool:
    """Whether somebody may be given a task: only where the policy does not let them take it themselves."""
    return policy.queue.assign != "pull" and Needs.OPEN_ITEMS in _needs(command)


def is_contended(command: Command) -> bool:
    """Whether it locks its agent's row: such commands of one agent go one after the other."""
    return Needs.AGENT_ALONE in _needs(command)


def _needs(command: Command) -> frozenset[Needs]:
    return VERBS[type(command)].needs


def _known_parties(connection: Connection, tenant_id: str, command: Command, roster: Roster) -> dict[str, str]:
    """Asked only where the directory alone does not say who is behind a package."""
    strange = unresolved_parties(command.package, roster) if isinstance(command, Submit | NewVersion) else ()
    return parties.resolve_parties(connection, tenant_id, strange) if strange else {}


def _looked_up(
    connection: Connection, tenant: str, policy: Policy, asked: Invocation, found: Loaded | None
) -> dict[str, Any]:
    """The command's subject is what it submits, or what was found: agent, action type and thread come from there."""
    command, needs = asked.command, _needs(asked.command)
    subject = command.package if isinstance(command, Submit) else found and found.state
    agent_id = asked.agent_id or (found.state.agent_id if found else None)
    if subject is None or agent_id is None:
        return {}
    looked, memory = _agent(connection, tenant, agent_id, asked, subject)
    if Needs.PROFILE in needs and not _claims_without_trust(command, found, policy):
        looked["profile"] = load_profile(connection, tenant, agent_id, subject.action_type)
    if Needs.CARDS in needs:
        looked["cards"] = posted_cards(connection, tenant, [command.decision_package_id])[command.decision_package_id]
    if found and Needs.CONTENT in needs:
        looked["package"] = load_package_content(connection, tenant, found.state.version_event_id)
    if found and Needs.WORDS in needs:
        looked["words"] = document_words(connection, found.state)
    if about := _remembered_of(command, needs, found, looked.get("package")):
        memory |= _remembered(connection, tenant, policy.windows, asked, agent_id, about)
    return looked | {"memory": Memory(**memory)}


def _agent(
    connection: Connection, tenant: str, agent_id: str, asked: Invocation, subject: HasThread
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The agent, where the rules ask for it, and whether its thread is held, where that bears on the command."""
    needs = _needs(asked.command)
    thread = holder_values(subject, asked.command.decision_package_id) if Needs.THREAD in needs else None
    if Needs.AGENT_ALONE in needs:
        return {"agent": load_agent(connection, tenant, agent_id, lock=True)}, {}
    if Needs.AGENT_LOAD in needs:
        found = load_proposing_agent(connection, tenant, agent_id, thread, asked.now)
        return {"agent": found.agent, "load": found.load}, {"thread_taken_in": found.holder}
    if Needs.AGENT in needs:
        held, holder = load_agent_in_thread(connection, tenant, agent_id, thread)
        return {"agent": held}, {"thread_taken_in": holder}
    return {}, {}


def _remembered_of(
    command: Command, needs: frozenset[Needs], found: Loaded | None, current: DecisionPackage | None
) -> DecisionPackage | PackageState | None:
    """Of what it matters whether somebody said no to it: of what is proposed, or of what nobody has agreed to."""
    if Needs.MEMORY not in needs:
        return None
    if isinstance(command, Submit | NewVersion | ApproveWithEdits):
        return _proposed(command, current)
    people_agreed = found and isinstance(command, ClaimExecution) and not granted_without_people(found.state)
    return found.state if found and not people_agreed else None


def _proposed(
    command: Submit | NewVersion | ApproveWithEdits, current: DecisionPackage | None
) -> DecisionPackage | None:
    """The package that comes in by this command: from the agent, or by a reviewer's edit, if that can be taken."""
    if not isinstance(command, ApproveWithEdits):
        return command.package
    proposed = apply_edit(current, command.action_parameters)
    return proposed if isinstance(proposed, DecisionPackage) else None


def _claims_without_trust(command: Command, found: Loaded | None, policy: Policy) -> bool:
    """Most claims do not hang on what the agent has earned: people have approved."""
    return isinstance(command, ClaimExecution) and not (found and depends_on_trust(found.state, policy))


def load_package_content(connection: Connection, tenant_id: str, event_id: str) -> DecisionPackage | None:
    """A version's content as the agent posted it; nothing where retention has emptied it."""
    words = load_words(connection, tenant_id, event_id).get(event_id)
    return DecisionPackage.model_validate(words["package"]) if words else None


def _remembered(  # noqa: PLR0917 - what the query is about
    connection: Connection,
    tenant: str,
    windows: Windows,
    asked: Invocation,
    agent_id: str,
    about: DecisionPackage | PackageState,
) -> dict[str, Any]:
    """Who said no to the same action or to a like one, and how grave the same action was found."""
    now = asked.now
    key = {
        "tenant": tenant,
        "agent": agent_id,
        "action_type": normalize_name(about.action_type),
        "digest": action_digest(about) if isinstance(about, DecisionPackage) else about.action_digest,
        "own": asked.command.decision_package_id,
        "since": now - max(windows.rejection, windows.same_digest),
        "no_since": now - windows.rejection,
    }
    before = fetch_all(connection, _BEFORE, key)
    refused = tuple(rejections.remembered_no(row) for row in before if row.event_id)
    earliest = min((each.no.at for each in refused), default=None)
    return {
        "noes": refused,
        "approved_at": earliest
        and rejections.last_approved_at(connection, tenant, agent_id, about.action_type, earliest),
        "earlier_level": max((HITLLevel(row.level) for row in before if row.level), default=None),
    }
