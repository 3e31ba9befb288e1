"""Finds the user behind a party that the directory does not know: from Slack's saved answers, or an agent's owner."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, delete, insert, or_, select

from rules.people.directory import reference
from store.agents.agents import AGENTS
from store.engine.statements import fetch_first
from store.installation.tenancy import lock_tenant
from store.schema.memory_tables import AddressLookup
from store.schema.tables import core

ADDRESSES = core(AddressLookup)

FOUND_FOR, NOT_FOUND_FOR = timedelta(hours=24), timedelta(minutes=15)  # how long Slack's answers count as recent

_ADDRESS = select(ADDRESSES.c.user_id, ADDRESSES.c.asked_at).where(
    ADDRESSES.c.tenant_id == bindparam("tenant"), ADDRESSES.c.reference == bindparam("reference")
)
_AGENT = select(AGENTS.c.owner).where(
    AGENTS.c.tenant_id == bindparam("tenant"),
    or_(AGENTS.c.agent_id == bindparam("named"), AGENTS.c.name == bindparam("named")),
)


def resolve_parties(connection: Connection, tenant_id: str, parties: Iterable[str]) -> dict[str, str]:
    """The user of each party: the owner of the e-mail address or of the agent."""
    owners = {party: _user_behind(connection, tenant_id, party) for party in parties}
    return {party: user_id for party, user_id in owners.items() if user_id}


def _user_behind(connection: Connection, tenant_id: str, party: str) -> str | None:
    if "@" in party:
        row = fetch_first(connection, _ADDRESS, {"tenant": tenant_id, "reference": reference(party)})
        return row.user_id if row else None
    row = fetch_first(connection, _AGENT, {"tenant": tenant_id, "named": party})
    return row.owner if row else None


def unresolved_addresses(connection: Connection, tenant_id: str, addresses: Iterable[str], now: datetime) -> list[str]:
    """Addresses without a recent answer from Slack."""
    return [address for address in addresses if not _is_answered(connection, tenant_id, address, now)]


def _is_answered(connection: Connection, tenant_id: str, address: str, now: datetime) -> bool:
    row = fetch_first(connection, _ADDRESS, {"tenant": tenant_id, "reference": reference(address)})
    return row is not None and now < row.asked_at + (FOUND_FOR if row.user_id else NOT_FOUND_FOR)


def save_address_owner(connection: Connection, address: str, user_id: str | None, now: datetime) -> None:
    """Save Slack's answer: the user with this address, or None."""
    tenant_id, digest = lock_tenant(connection), reference(address)
    this = (ADDRESSES.c.tenant_id == tenant_id, ADDRESSES.c.reference == digest)
    connection.execute(delete(ADDRESSES).where(*this))
    row = {"tenant_id": tenant_id, "reference": digest, "user_id": user_id, "asked_at": now}
    connection.execute(insert(ADDRESSES), row)
