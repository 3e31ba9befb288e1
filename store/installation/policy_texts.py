"""Loads policy texts from the database, and parses each one once."""

from __future__ import annotations

import structlog
from sqlalchemy import Connection, bindparam, select

from rules.policy.model import Policy
from rules.policy.parse import PolicyError, read_policy
from store.engine.workers import UnavailableError
from store.schema.installation_tables import PolicyText
from store.schema.tables import core

log = structlog.get_logger()

POLICIES = core(PolicyText)
_TEXT = select(POLICIES.c.version, POLICIES.c.text).where(POLICIES.c.digest == bindparam("digest"))
FIX = "Run the release that applied this policy on every replica, or apply a policy that this release can read."


class UnreadablePolicyError(UnavailableError):
    """The active policy cannot be read by this process, so it decides nothing."""


def load_policy(connection: Connection, digest: str | None) -> Policy:
    """The policy with this stored digest, which another release may have computed differently."""
    if digest is None:
        raise UnreadablePolicyError("No policy is in force yet. Start `countersign serve`, which applies its file.")
    row = connection.execute(_TEXT, {"digest": digest}).first()
    try:
        return read_policy(row.text if row else "").model_copy(update={"digest": digest})
    except PolicyError as error:
        version = row.version if row else "unknown"
        fault = f"The policy in force (version {version}) cannot be read here: {error.faults[0]}"
        raise UnreadablePolicyError(fault) from None


class PolicyTexts:
    """A cache of parsed policies. An unreadable one is logged once."""

    def __init__(self, *known: Policy) -> None:
        self._policies = {policy.digest: policy for policy in known}
        self._faults: dict[str, str] = {}

    def policy(self, connection: Connection, digest: str | None) -> Policy:
        if digest in self._faults:
            raise UnreadablePolicyError(self._faults[digest])
        return self._policies.get(digest or "") or self._read(connection, digest)

    def _read(self, connection: Connection, digest: str | None) -> Policy:
        try:
            policy = load_policy(connection, digest)
        except UnreadablePolicyError as fault:
            message = str(fault)
            if digest and self._faults.setdefault(digest, message) is message:  # only one of several threads logs it
                log.error("policy.unreadable", policy=digest, fault=message, fix=FIX)  # noqa: TRY400 - not a bug
            raise
        return self._policies.setdefault(policy.digest, policy)
