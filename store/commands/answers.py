"""The saved answers to commands: a repeated command, even after a lost reply or a crash, gets the same answer."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, insert, select

from rules.reasons import Reason, Refusal, refuse
from store.engine.batch import Batch
from store.engine.statements import fetch_all, fetch_first
from store.schema.tables import CommandRow, core

COMMANDS = core(CommandRow)

THIS_COMMAND = (COMMANDS.c.tenant_id == bindparam("tenant"), COMMANDS.c.command_id == bindparam("command"))
ANSWER_COLUMNS = (COMMANDS.c.package_id, COMMANDS.c.content_digest, COMMANDS.c.refusal, COMMANDS.c.request)
_PACKAGE_OF_ANSWER = select(COMMANDS.c.package_id).where(*THIS_COMMAND)
_ANSWER = select(*ANSWER_COLUMNS).where(*THIS_COMMAND)
_SAVE = insert(COMMANDS)


class PriorAnswer(NamedTuple):
    """The saved answer to a command; for a command about a thread, `package_id` is the thread's key."""

    package_id: str
    content_digest: str | None
    refusal: str | None
    request: str | None

    def as_refusal(self) -> Refusal | None:
        return Refusal.model_validate_json(self.refusal) if self.refusal else None

    def check_same_content(self, content_digest: str | None, chain_id: str | None = None) -> Refusal | None:
        """A different command with the same id is refused, such as one for another thread."""
        if self.content_digest == content_digest and chain_id in (None, self.package_id):
            return None
        return refuse(Reason.IDEMPOTENCY_CONFLICT, package=self.package_id)


class NewAnswer(NamedTuple):
    tenant_id: str
    command_id: str
    package_id: str
    content_digest: str | None
    refusal: str | None
    request: str | None
    at: datetime


def save_answer(batch: Batch, answer: NewAnswer) -> None:
    batch.execute(_SAVE, answer._asdict())


def load_answer(connection: Connection, tenant_id: str, command_id: str) -> PriorAnswer | None:
    row = fetch_first(connection, _ANSWER, {"tenant": tenant_id, "command": command_id})
    return PriorAnswer(*row) if row else None


def has_answered(connection: Connection, tenant_id: str, command_id: str) -> bool:
    return bool(fetch_all(connection, _PACKAGE_OF_ANSWER, {"tenant": tenant_id, "command": command_id}))
