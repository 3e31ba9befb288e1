"""Each No of a person (`rules.state.noes`), in a table that a submission can query in one statement.

The state of a package has its own Noes. This table repeats them for other packages: the rules compare a new proposal
with those of the window that the policy sets.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, func, insert, or_, select, update

from rules.spelling import normalize_name
from rules.state.commands import Verb
from rules.state.model import PackageState, Status, approved_by_people_at
from rules.state.noes import APPROVING, No, RememberedNo
from rules.state.situation import MAX_APPROVALS
from store.engine.batch import Batch
from store.engine.statements import fetch_all
from store.packages.packages import PACKAGES
from store.schema.memory_tables import NoRow
from store.schema.tables import VersionRow, VoteRow, core

NOES, VOTES, VERSIONS = core(NoRow), core(VoteRow), core(VersionRow)

_ADD = insert(NOES)
_SETTLE = (
    update(NOES)
    .where(NOES.c.tenant_id == bindparam("tenant"), NOES.c.event_id == bindparam("event"))
    .values(settled=True)
)


def write_noes(batch: Batch, before: PackageState | None, after: PackageState) -> None:
    """Write each new No, and mark those that were settled."""
    if before is None or before.noes is after.noes:
        return
    before_by_event = {no.event_id: no for no in before.noes}
    for no in after.noes:
        if no.event_id not in before_by_event:
            batch.execute(_ADD, _row(after, no))
        elif no.settled and not before_by_event[no.event_id].settled:
            batch.execute(_SETTLE, {"tenant": after.tenant_id, "event": no.event_id})


def _row(after: PackageState, no: No) -> dict[str, Any]:
    return {
        "tenant_id": after.tenant_id,
        "event_id": no.event_id,
        "package_id": no.decision_package_id,
        "agent_id": after.agent_id,
        "action_type": normalize_name(after.action_type),
        "subject_digest": after.subject_digest,
        "action_digest": no.action_digest,
        "verb": no.verb.value,
        "reviewer_id": no.by,
        "at": no.at,
        "settled": no.settled,
    }


COLUMNS = (
    NOES.c.event_id,
    NOES.c.package_id,
    NOES.c.agent_id,
    NOES.c.subject_digest,
    NOES.c.action_digest,
    NOES.c.verb,
    NOES.c.reviewer_id,
    NOES.c.at,
)
_LIKE_THIS = or_(
    NOES.c.action_digest == bindparam("digest"),
    (NOES.c.agent_id == bindparam("agent")) & (NOES.c.action_type == bindparam("action_type")),
)
IN_FORCE = (
    NOES.c.tenant_id == bindparam("tenant"),
    NOES.c.at > bindparam("no_since", type_=NOES.c.at.type),
    NOES.c.settled.is_(False),
    NOES.c.package_id != bindparam("own"),
    _LIKE_THIS,
)
# A No to the same action comes first, so that the limit never cuts it off.
ORDER = (NOES.c.action_digest != bindparam("digest"), NOES.c.at.desc())


def remembered_no(row: Any) -> RememberedNo:
    """The No of a row, with the values by which proposals are compared to it."""
    no = No(
        event_id=row.event_id,
        decision_package_id=row.package_id,
        action_digest=row.action_digest,
        verb=Verb(row.verb),
        by=row.reviewer_id,
        at=row.at,
    )
    return RememberedNo(no, row.agent_id, row.subject_digest)


_APPROVED = (
    select(PACKAGES.c.state)
    .join_from(
        VOTES, PACKAGES, (PACKAGES.c.tenant_id == VOTES.c.tenant_id) & (PACKAGES.c.package_id == VOTES.c.package_id)
    )
    .join(
        VERSIONS,
        (VERSIONS.c.tenant_id == VOTES.c.tenant_id)
        & (VERSIONS.c.package_id == VOTES.c.package_id)
        & (VERSIONS.c.version == VOTES.c.version),
    )
    .where(
        VOTES.c.tenant_id == bindparam("tenant"),
        VOTES.c.at > bindparam("since", type_=VOTES.c.at.type),
        or_(*(VOTES.c.decision == verb.value for verb in APPROVING)),
        VERSIONS.c.agent_id == bindparam("agent"),  # who proposed it; the package may have another agent now
        func.lower(PACKAGES.c.action_type) == bindparam("action_type"),  # action types are ASCII
        or_(*(PACKAGES.c.status == status.value for status in (Status.APPROVED, Status.OVERRIDDEN))),
    )
    .order_by(VOTES.c.at.desc())
    .limit(MAX_APPROVALS)
)


def last_approved_at(
    connection: Connection, tenant_id: str, agent_id: str, action_type: str, since: datetime
) -> datetime | None:
    """When a person last approved an action of this type by this agent. Queried only if a No is in force."""
    key = {"tenant": tenant_id, "agent": agent_id, "action_type": normalize_name(action_type), "since": since}
    states = (PackageState.model_validate_json(row.state) for row in fetch_all(connection, _APPROVED, key))
    approved = (approved_by_people_at(state.status, state.decision) for state in states)
    return max((moment for moment in approved if moment), default=None)
