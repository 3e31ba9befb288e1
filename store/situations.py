"""Loads what a command's rules look at, and nothing else: which command looks at what is the table below."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, bindparam, select

from rules.commands import (
    ApproveWithEdits,
    Assign,
    ClaimExecution,
    Climb,
    Command,
    Consent,
    Escalate,
    HumanOverrideCommand,
    Judge,
    LoseTrack,
    NewVersion,
    Recuse,
    Relieve,
    ReportExecution,
    Show,
    Wake,
    WakeUp,
)
from rules.package import DecisionPackage, action_digest
from rules.people import Roster
from rules.policy import Policy, Windows
from rules.scales import HITLLevel
from rules.situation import Memory, Situation
from rules.state import Status
from rules.submission import Submit
from rules.validity import trust_matters
from store.agents import agent
from store.asked import Asked
from store.autonomy import profile
from store.cards import lying
from store.content import words_of
from store.house import House, fresh_id
from store.packages import PACKAGES, Loaded
from store.queue import open_items
from store.spelled import rows
from store.tables import VersionRow, core
from store.threads import taken_in

VERSIONS = core(VersionRow)

_SAME_ACTION = (
    select(
        PACKAGES.c.package_id,
        PACKAGES.c.status,
        PACKAGES.c.decided_at,
        PACKAGES.c.version.label("current"),
        VERSIONS.c.version,
        VERSIONS.c.level,
    )
    .join(VERSIONS, and_(VERSIONS.c.tenant_id == PACKAGES.c.tenant_id, VERSIONS.c.package_id == PACKAGES.c.package_id))
    .where(
        VERSIONS.c.tenant_id == bindparam("tenant"),
        VERSIONS.c.agent_id == bindparam("agent"),
        VERSIONS.c.action_digest == bindparam("digest"),
        PACKAGES.c.updated_at > bindparam("since", type_=PACKAGES.c.updated_at.type),
    )
    # What a person rejected comes first: no number of later posts pushes it out of what is remembered.
    .order_by(PACKAGES.c.status != Status.REJECTED.value, VERSIONS.c.created_at.desc())
    .limit(200)
)

_TRUST = (Submit, NewVersion, ApproveWithEdits)
_COUNTED = (ReportExecution, Judge, LoseTrack)
_AGENT = (Submit, NewVersion, ClaimExecution, Consent)
_CONTENT = (NewVersion, ApproveWithEdits, HumanOverrideCommand)
_THREAD = (Submit, NewVersion, ClaimExecution)
_CARDS = (Show, Consent)
_HANDED_OUT = (Submit, Assign, Escalate, Recuse, Climb, Relieve, Wake, WakeUp, NewVersion, ApproveWithEdits)


def situation_of(connection: Connection, house: House, asked: Asked, found: Loaded | None, roster: Roster) -> Situation:
    command = asked.command
    return Situation(
        policy=roster.policy,
        roster=roster,
        now=asked.now,
        tenant_id=house.tenant_id,
        fresh_id=fresh_id(),
        actor=asked.actor,
        chance=asked.chance,
        clicks_provable=house.clicks_provable,
        trial=asked.trial,
        open_items=_open_items(connection, roster, house.tenant_id, command),
        **_looked_up(connection, house.tenant_id, roster.policy, asked, found),
    )


def _open_items(connection: Connection, roster: Roster, tenant_id: str, command: Command) -> dict[str, int]:
    """How much each reviewer has before them."""
    return open_items(connection, tenant_id, roster.reviewers) if hands_out(roster.policy, command) else {}


def hands_out(policy: Policy, command: Command) -> bool:
    """Whether somebody may be given a task: only where the policy does not let them take it themselves."""
    return policy.queue.assign != "pull" and isinstance(command, _HANDED_OUT)


def _looked_up(
    connection: Connection, tenant: str, policy: Policy, asked: Asked, found: Loaded | None
) -> dict[str, Any]:
    """The command's subject is what it submits, or what was found: agent, action type and thread come from there."""
    command = asked.command
    subject = command.package if isinstance(command, Submit) else found and found.state
    agent_id = asked.agent_id or (found.state.agent_id if found else None)
    if subject is None or agent_id is None:
        return {}
    counted = isinstance(command, _COUNTED)
    looked: dict[str, Any] = {}
    if counted or isinstance(command, _AGENT):
        hold = isinstance(command, ClaimExecution | Consent)
        looked["agent"] = agent(connection, tenant, agent_id, hold=hold, lock=counted)
    if counted or isinstance(command, _TRUST) or _claims_on_trust(command, found, policy):
        looked["profile"] = profile(connection, tenant, agent_id, subject.action_type)
    if isinstance(command, _CARDS):
        looked["cards"] = lying(connection, tenant, [command.decision_package_id])[command.decision_package_id]
    if found and isinstance(command, _CONTENT):
        looked["package"] = package_of(connection, tenant, found.state.version_event_id)
    if isinstance(command, _THREAD):
        taken = taken_in(connection, tenant, subject, command.decision_package_id)
        looked["memory"] = _memory(connection, tenant, policy.windows, asked, agent_id, taken)
    return looked


def _claims_on_trust(command: Command, found: Loaded | None, policy: Policy) -> bool:
    return isinstance(command, ClaimExecution) and found is not None and trust_matters(found.state, policy)


def package_of(connection: Connection, tenant_id: str, event_id: str) -> DecisionPackage | None:
    """A version's content as the agent posted it; nothing where retention has emptied it."""
    words = words_of(connection, tenant_id, event_id).get(event_id)
    return DecisionPackage.model_validate(words["package"]) if words else None


def _memory(  # noqa: PLR0917 - what the query is about
    connection: Connection, tenant: str, windows: Windows, asked: Asked, agent_id: str, taken: str | None
) -> Memory:
    """What became of the same action of this agent before: whether a person refused it, how grave it was found."""
    package = getattr(asked.command, "package", None)
    if not isinstance(package, DecisionPackage):
        return Memory(thread_taken_in=taken)
    now = asked.now
    since = now - max(windows.rejection, windows.same_digest)
    key = {"tenant": tenant, "agent": agent_id, "digest": action_digest(package), "since": since}
    own = asked.command.decision_package_id
    before = [row for row in rows(connection, _SAME_ACTION, key) if row.package_id != own]
    return Memory(
        rejected_in=next((row.package_id for row in before if _was_rejected(row, now - windows.rejection)), None),
        earlier_level=max((HITLLevel(row.level) for row in before), default=None),
        thread_taken_in=taken,
    )


def _was_rejected(row: Any, since: datetime) -> bool:
    rejected = row.status == Status.REJECTED.value and row.version == row.current
    return rejected and row.decided_at is not None and row.decided_at > since
