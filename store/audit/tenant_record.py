"""The audit record outside of packages: the tenant's chain, policy texts, and the identities of agents."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, Row, select

from rules.record.evidence import Claim, StoredPolicy
from store.agents.agents import AGENTS
from store.audit.tolerant_rows import chain_length, select_all, stream_rows
from store.installation.policy_texts import POLICIES
from store.installation.tenancy import INSTALLATION
from store.schema.installation_tables import TenantEventRow
from store.schema.tables import core

TENANT_EVENTS = core(TenantEventRow)


def tenant_claim(connection: Connection) -> Claim:
    row = connection.execute(select(INSTALLATION.c.length, INSTALLATION.c.head)).one()
    return Claim(chain_length(row.length), row.head)


def tenant_rows(connection: Connection, tenant_id: str) -> Iterator[Row[Any]]:
    query = select_all(TENANT_EVENTS).where(TENANT_EVENTS.c.tenant_id == tenant_id)
    return stream_rows(connection, query.order_by(TENANT_EVENTS.c.sequence))


def policy_texts(connection: Connection, tenant_id: str) -> Iterator[StoredPolicy]:
    query = select_all(POLICIES).where(POLICIES.c.tenant_id == tenant_id).order_by(POLICIES.c.digest)
    return (StoredPolicy(row.digest, row.version, row.text) for row in stream_rows(connection, query))


def agent_identities(connection: Connection, tenant_id: str) -> Iterator[dict[str, str]]:
    """Names and owners of agents: events and states contain only their ids."""
    query = select(AGENTS.c.agent_id, AGENTS.c.name, AGENTS.c.owner).where(AGENTS.c.tenant_id == tenant_id)
    return (row._asdict() for row in connection.execute(query.order_by(AGENTS.c.agent_id)))
