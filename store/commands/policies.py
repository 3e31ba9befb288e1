"""The active policy: one for the whole installation, named in its row, changed only here and with an event.

Policy texts are never deleted, because decisions refer to them by digest. A replaced policy is activated again only on
demand, so a replica that restarts with an old file does not undo a newer policy.
"""

from __future__ import annotations

from datetime import datetime
from enum import Enum, auto
from typing import NamedTuple

import structlog
from sqlalchemy import Connection, bindparam, insert, select, update

from rules.authority.exceptions import ends_earlier
from rules.policy.model import Policy
from rules.policy.parse import PolicyError, read_policy
from rules.record.stored_texts import text_digest
from rules.state.events import TenantEventType
from rules.state.service_commands import ShortenException
from store.commands.execute import execute_many
from store.commands.invocation import Invocation
from store.installation import directory
from store.installation.installation import INSTALLATION, Installation, fresh_id
from store.installation.policy_texts import POLICIES, UnreadablePolicyError, load_policy
from store.installation.tenancy import append_tenant_event, lock_tenant
from store.outbox import cards
from store.packages.exceptions import load_granted_exceptions

log = structlog.get_logger()

_STORED = select(POLICIES.c.digest, POLICIES.c.text)
_TEXT = select(POLICIES.c.text).where(POLICIES.c.digest == bindparam("digest"))
_IN_FORCE = select(INSTALLATION.c.policy_digest)


FILE_NOT_IN_FORCE = (
    "The file of COUNTERSIGN_POLICY is not in force. To put it in force, run: countersign policy apply FILE --again"
)


class PolicyFile(NamedTuple):
    """A policy and its text."""

    policy: Policy
    text: str


class Activation(Enum):
    """Result of activating a policy."""

    IN_FORCE = auto()  # it was active already
    APPLIED = auto()
    REPLACED_BEFORE = auto()  # it was active once and has been replaced: nothing changed
    HELD_BACK = auto()  # this process cannot read the active policy, so it does not replace it


def active_digest(connection: Connection) -> str | None:
    digest: str | None = connection.execute(_IN_FORCE).scalar_one()
    return digest


def activate_policy(connection: Connection, file: PolicyFile, now: datetime, *, again: bool = False) -> Activation:
    """Activate a policy that was never active. One that was active and replaced needs `again`."""
    tenant_id, current = lock_tenant(connection), active_digest(connection)
    known = stored_digest(connection, file.policy)
    if known and known == current:
        return Activation.IN_FORCE
    if current and not _is_readable(connection, current) and not again:
        return Activation.HELD_BACK
    if known and not again:
        return Activation.REPLACED_BEFORE
    if known is None:
        _store_text(connection, tenant_id, file, now)
    _activate(connection, tenant_id, file.policy, known or file.policy.digest, now)
    return Activation.APPLIED


def stored_digest(connection: Connection, policy: Policy) -> str | None:
    """The digest under which the same content is stored already, perhaps by another release."""
    stored = {row.digest: row.text for row in connection.execute(_STORED)}
    if policy.digest in stored:
        return policy.digest
    return next((digest for digest, text in stored.items() if _has_content_of(text, policy)), None)


def is_in_force(connection: Connection, policy: Policy) -> bool:
    digest = stored_digest(connection, policy)
    return digest is not None and digest == active_digest(connection)


def _has_content_of(text: str, policy: Policy) -> bool:
    try:
        return read_policy(text).has_same_content(policy)
    except PolicyError:
        return False


def _is_readable(connection: Connection, digest: str) -> bool:
    try:
        load_policy(connection, digest)
    except UnreadablePolicyError:
        return False
    return True


def _store_text(connection: Connection, tenant_id: str, file: PolicyFile, now: datetime) -> None:
    row = {
        "tenant_id": tenant_id,
        "digest": file.policy.digest,
        "version": file.policy.version,
        "text": file.text,
        "first_used_at": now,
    }
    connection.execute(insert(POLICIES), row)


def _activate(connection: Connection, tenant_id: str, policy: Policy, digest: str, now: datetime) -> None:
    replaced = active_digest(connection)
    # Exceptions granted while the replaced policy came into force were not shortened by it.
    if replaced and _is_readable(connection, replaced):
        _shorten_exceptions(connection, Installation(tenant_id, load_policy(connection, replaced)), now)
    facts = {
        "version": policy.version,
        "policy_digest": digest,
        "text_digest": text_digest(connection.execute(_TEXT, {"digest": digest}).scalar_one()),
        "replaces": replaced,
    }
    connection.execute(update(INSTALLATION).values(policy_digest=digest))
    append_tenant_event(connection, TenantEventType.POLICY_ACTIVATED, "operator", now, **facts)
    if unread := directory.unknown_groups(connection, policy.groups):
        log.info("directory.groups_unread", groups=sorted(unread))
        directory.mark_unread(connection)
    _shorten_exceptions(connection, Installation(tenant_id, policy), now)
    cards.redraw_open_cards(connection, tenant_id)


def _shorten_exceptions(connection: Connection, installation: Installation, now: datetime) -> None:
    """Exceptions that the policy allows less time end earlier, each with an event."""
    granted = load_granted_exceptions(connection, installation.tenant_id)
    commands = [
        ShortenException(command_id=f"clk:{fresh_id()}", decision_package_id=state.decision_package_id)
        for state in granted
        if ends_earlier(state, installation.policy)
    ]
    if commands:
        execute_many(connection, installation, [Invocation(command=command, now=now) for command in commands])
