"""Exports decisions as data, one row for each, to analyse them or to train models on them.

People have pseudonyms, which are the same in each export of an installation. Nobody can compute one without the
installation's key. What people and agents wrote may still name people: the policy's `[feedback] redact` leaves it out.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from datetime import datetime
from functools import cache

from sqlalchemy import Connection

from bot.keys import SigningKey
from rules.policy.model import Policy
from rules.record.decision_rows import Row, decision_rows
from rules.threads.model import is_thread
from store.audit.reader import Progress, Selection, no_progress, read_trails
from store.audit.tenant_record import agent_identities
from store.installation.tenancy import read_tenant_id

_PURPOSE = "countersign-pseudonyms"


def export_decisions(
    connection: Connection,
    key: SigningKey,
    policy: Policy,
    selection: Selection,
    progress: Progress = no_progress,
) -> Iterator[Row]:
    """Yield the decisions of the selected time and action type, by package. `connection` must be a `snapshot`."""
    tenant_id, secret = read_tenant_id(connection), key.derive(_PURPOSE)
    agents = {agent["agent_id"]: agent["name"] for agent in agent_identities(connection, tenant_id)}
    hidden = [path.split(".") for path in policy.feedback.redact]

    @cache
    def pseudonym(user_id: str) -> str:
        return "person-" + hmac.digest(secret, user_id.encode(), "sha256").hex()[:12]

    for trail in read_trails(connection, tenant_id, selection, progress, renderings=False):
        if is_thread(trail.package_id) or trail.claim is None:
            continue
        for row in decision_rows(trail, agents, pseudonym, hidden):
            if _is_in_time(row["decided_at"], selection):
                yield row


def _is_in_time(time_text: str, selection: Selection) -> bool:
    moment = datetime.fromisoformat(time_text)
    is_late = selection.until is not None and moment >= selection.until
    return not is_late and (selection.since is None or moment >= selection.since)
