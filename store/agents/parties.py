"""Who the parties of a package are, where the directory alone does not say: Slack's kept answers, and agents."""

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

FOUND_FOR, NOT_FOUND_FOR = timedelta(hours=24), timedelta(minutes=15)

_ADDRESS = select(ADDRESSES.c.user_id, ADDRESSES.c.asked_at).where(
    ADDRESSES.c.tenant_id == bindparam("tenant"), ADDRESSES.c.reference == bindparam("reference")
)
_AGENT = select(AGENTS.c.owner).where(
    AGENTS.c.tenant_id == bindparam("tenant"),
    or_(AGENTS.c.agent_id == bindparam("named"), AGENTS.c.name == bindparam("named")),
)


def resolve_parties(connection: Connection, tenant_id: str, parties: Iterable[str]) -> dict[str, str]:
    """The user for whom each of these stands: whose address it is, or who owns that agent."""
    found = {who: _stands_for(connection, tenant_id, who) for who in parties}
    return {who: user_id for who, user_id in found.items() if user_id}


def _stands_for(connection: Connection, tenant_id: str, who: str) -> str | None:
    if "@" in who:
        row = fetch_first(connection, _ADDRESS, {"tenant": tenant_id, "reference": reference(who)})
        return row.user_id if row else None
    row = fetch_first(connection, _AGENT, {"tenant": tenant_id, "named": who})
    return row.owner if row else None


def unresolved_addresses(connection: Connection, tenant_id: str, addresses: Iterable[str], now: datetime) -> list[str]:
    """Those of these addresses about which Slack has said nothing lately."""
    return [address for address in addresses if not _is_answered(connection, tenant_id, address, now)]


def _is_answered(connection: Connection, tenant_id: str, address: str, now: datetime) -> bool:
    row = fetch_first(connection, _ADDRESS, {"tenant": tenant_id, "reference": reference(address)})
    return row is not None and now < row.asked_at + (FOUND_FOR if row.user_id else NOT_FOUND_FOR)


def save_address_owner(connection: Connection, address: str, user_id: str | None, now: datetime) -> None:
    """What Slack answered: whose address this is, or that it is no one's."""
    tenant_id, digest = lock_tenant(connection), reference(address)
    this = (ADDRESSES.c.tenant_id == tenant_id, ADDRESSES.c.reference == digest)
    connection.execute(delete(ADDRESSES).where(*this))
    row = {"tenant_id": tenant_id, "reference": digest, "user_id": user_id, "asked_at": now}
    connection.execute(insert(ADDRESSES), row)
