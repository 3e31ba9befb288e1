"""Callback secrets at rest: sealed with keys derived from the installation's own, which the database never holds.

Fernet of the cryptography library seals (AES-CBC and HMAC-SHA256). What an earlier key sealed is opened as long as that
key is given too. Secrets of earlier releases lie there unsealed until the next start.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import datetime

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from sqlalchemy import Connection, or_, select, update

from store.registry import SECRETS

SEALED = "sealed:"


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


def seal_what_lies_open(connection: Connection, vault: Vault, now: datetime) -> None:
    """At each start. Raises `VaultError` where a sealed secret could not be opened: callbacks would stay unsigned."""
    _each(connection, now, lambda kept: vault.seal(kept) if vault.open(kept) == kept else kept)


def seal_all_again(connection: Connection, vault: Vault, now: datetime) -> int:
    """With the newest key; how many they were."""
    return _each(connection, now, vault.seal_again)


def _each(connection: Connection, now: datetime, change: Callable[[str], str]) -> int:
    """All that still sign. What has expired may be sealed with a key that is lost."""
    signs = or_(SECRETS.c.expires_at.is_(None), SECRETS.c.expires_at > now)
    columns = (SECRETS.c.tenant_id, SECRETS.c.secret_id, SECRETS.c.secret)
    rows = connection.execute(select(*columns).where(signs).with_for_update()).all()
    for tenant_id, secret_id, kept in rows:
        if (changed := change(kept)) != kept:
            this = (SECRETS.c.tenant_id == tenant_id, SECRETS.c.secret_id == secret_id)
            connection.execute(update(SECRETS).where(*this).values(secret=changed))
    return len(rows)
