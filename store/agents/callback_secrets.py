"""Callback secrets at rest: sealed with keys derived from the installation's own, which the database never holds.

Fernet of the cryptography library seals (AES-CBC and HMAC-SHA256). What an earlier key sealed is opened as long as that
key is given too. Secrets of earlier releases lie there unsealed until the next start.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import datetime

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from sqlalchemy import Connection, and_, or_, select, update

from rules.people.directory import AgentStanding
from store.agents.agent_admin import SECRETS
from store.agents.agents import AGENTS

SEALED = "sealed:"

_OF_ITS_AGENT = and_(AGENTS.c.tenant_id == SECRETS.c.tenant_id, AGENTS.c.agent_id == SECRETS.c.agent_id)
_ANOTHER_KEY = (
    "COUNTERSIGN_KEY does not open the callback secrets in the database; set COUNTERSIGN_KEY_OLD to the key that sealed"
    " them, then run: countersign key rotate. If that key is lost, run for each agent: countersign agents rotate NAME"
    " --overlap 0s"
)


class VaultError(Exception):
    """A secret that no key at hand opens."""


class Vault:
    """`keys` of 32 bytes: the first one seals, any of them opens."""

    def __init__(self, *keys: bytes) -> None:
        self._box = MultiFernet([Fernet(base64.urlsafe_b64encode(key)) for key in keys])

    def seal(self, secret: str) -> str:
        return SEALED + self._box.encrypt(secret.encode()).decode()

    def open(self, kept: str) -> str:
        if not kept.startswith(SEALED):
            return kept
        try:
            return self._box.decrypt(kept.removeprefix(SEALED)).decode()
        except InvalidToken as fault:
            raise VaultError(_ANOTHER_KEY) from fault

    def seal_again(self, kept: str) -> str:
        return self.seal(self.open(kept))


def seal_unsealed(connection: Connection, vault: Vault, now: datetime) -> None:
    """At each start. Raises `VaultError` where a sealed secret could not be opened: callbacks would stay unsigned."""
    _each(connection, now, lambda kept: vault.seal(kept) if vault.open(kept) == kept else kept)


def reseal_all(connection: Connection, vault: Vault, now: datetime) -> int:
    """With the newest key; how many they were."""
    return _each(connection, now, vault.seal_again)


def _each(connection: Connection, now: datetime, change: Callable[[str], str]) -> int:
    """All that still sign. What has expired, or is a revoked agent's, may be sealed with a key that is lost."""
    lasts = or_(SECRETS.c.expires_at.is_(None), SECRETS.c.expires_at > now)
    signs_or_lies_open = or_(AGENTS.c.standing != AgentStanding.REVOKED.value, ~SECRETS.c.secret.startswith(SEALED))
    query = select(SECRETS.c.tenant_id, SECRETS.c.secret_id, SECRETS.c.secret).join(AGENTS, _OF_ITS_AGENT)
    rows = connection.execute(query.where(lasts, signs_or_lies_open).with_for_update(of=SECRETS)).all()
    for tenant_id, secret_id, kept in rows:
        if (changed := change(kept)) != kept:
            this = (SECRETS.c.tenant_id == tenant_id, SECRETS.c.secret_id == secret_id)
            connection.execute(update(SECRETS).where(*this).values(secret=changed))
    return len(rows)
