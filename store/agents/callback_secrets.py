"""Callback secrets at rest: sealed with keys derived from the installation's own, which the database never holds.

Secrets are sealed with Fernet of the cryptography library (AES-CBC and HMAC-SHA256). To open secrets sealed with an
earlier key, give that key too. Secrets written by earlier releases stay unsealed until the next start.
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

_SAME_AGENT = and_(AGENTS.c.tenant_id == SECRETS.c.tenant_id, AGENTS.c.agent_id == SECRETS.c.agent_id)
_ANOTHER_KEY = (
    "COUNTERSIGN_KEY does not open the callback secrets in the database; set COUNTERSIGN_KEY_OLD to the key that sealed"
    " them, then run: countersign key rotate. If that key is lost, run for each agent: countersign agents rotate NAME"
    " --overlap 0s"
)


class VaultError(Exception):
    """None of the given keys opens a secret."""


class Vault:
    """`keys` have 32 bytes. The first one seals, any of them opens."""

    def __init__(self, *keys: bytes) -> None:
        self._box = MultiFernet([Fernet(base64.urlsafe_b64encode(key)) for key in keys])

    def seal(self, secret: str) -> str:
        return SEALED + self._box.encrypt(secret.encode()).decode()

    def open(self, stored: str) -> str:
        """The secret itself. One that was stored before there was a key is not sealed."""
        if not stored.startswith(SEALED):
            return stored
        try:
            return self._box.decrypt(stored.removeprefix(SEALED)).decode()
        except InvalidToken as fault:
            raise VaultError(_ANOTHER_KEY) from fault

    def seal_again(self, stored: str) -> str:
        return self.seal(self.open(stored))


def seal_unsealed(connection: Connection, vault: Vault, now: datetime) -> None:
    """Run at each start. Raises `VaultError` if a secret cannot be opened: callbacks could not be signed."""
    _rewrite(connection, now, lambda stored: vault.seal(stored) if vault.open(stored) == stored else stored)


def reseal_all(connection: Connection, vault: Vault, now: datetime) -> int:
    """Seal all secrets with the newest key. Returns their number."""
    return _rewrite(connection, now, vault.seal_again)


def _rewrite(connection: Connection, now: datetime, change: Callable[[str], str]) -> int:
    """Change the secrets in use. Those expired or of revoked agents may be sealed with a key that was lost."""
    lasts = or_(SECRETS.c.expires_at.is_(None), SECRETS.c.expires_at > now)
    signs_or_is_unsealed = or_(AGENTS.c.standing != AgentStanding.REVOKED.value, ~SECRETS.c.secret.startswith(SEALED))
    query = select(SECRETS.c.tenant_id, SECRETS.c.secret_id, SECRETS.c.secret).join(AGENTS, _SAME_AGENT)
    rows = connection.execute(query.where(lasts, signs_or_is_unsealed).with_for_update(of=SECRETS)).all()
    for tenant_id, secret_id, stored in rows:
        if (changed := change(stored)) != stored:
            this = (SECRETS.c.tenant_id == tenant_id, SECRETS.c.secret_id == secret_id)
            connection.execute(update(SECRETS).where(*this).values(secret=changed))
    return len(rows)
