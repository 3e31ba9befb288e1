"""The one way on which packages change, whoever asks: a reviewer, an agent, or the clock.

**How it works.** One transaction loads the package and what its verb needs (`store.commands.situation`), lets the
rules decide, replaces the state, appends the events and their words, and marks what Slack and the agent are still to be
told (`store.commands.write`). The caller is answered after the commit, never before.

**A command is answered once.** Its id comes from the click or the request. The answer is kept in the same transaction,
so the same command again gets the same answer, after a lost reply as after a crash; another command under the same id
is refused. The clock's commands have no memory: they are judged by what is due.

**What can race with what.** Two commands for one package: the state is replaced only where it still is the one that was
read (its revision), and each event takes the next place in the package's chain, which only one can have. Who comes
second gets `StaleError`, and the whole operation runs again on the new state. Outcomes of one agent lock the agent's
row and go one after the other, because its earned trust is counted. A pause of an agent waits for claims under way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from sqlalchemy import Connection, and_, bindparam, insert, select

from rules.people.directory import ActorKind, Roster
from rules.reasons import Reason, Refusal, refuse
from rules.state.clock_commands import ClockCommand
from rules.state.model import PackageState
from rules.state.situation import Situation
from rules.state.transition import Words, record_refusal
from rules.verbs.decide import decide
from rules.verbs.submission import Submit
from store.commands.invocation import Invocation
from store.commands.situation import load_situation, may_assign
from store.commands.write import batch_or_stale, write_transition
from store.engine.batch import Batch
from store.engine.statements import fetch_all
from store.installation.installation import INSTALLATION, STATUS_COLUMNS, Installation, InstallationStatus
from store.packages.packages import Loaded, load_package, load_packages
from store.packages.refusals import is_first_this_minute
from store.schema.tables import CommandRow, core

COMMANDS = core(CommandRow)
_THIS = (COMMANDS.c.tenant_id == bindparam("tenant"), COMMANDS.c.command_id == bindparam("command"))
_ANSWERED = select(COMMANDS.c.package_id).where(*_THIS)
# How the installation stands, and what this command was answered before: the two that every command begins with.
_AT_THE_DOOR = select(
    *STATUS_COLUMNS, COMMANDS.c.package_id, COMMANDS.c.content_digest, COMMANDS.c.refusal, COMMANDS.c.request
).join_from(INSTALLATION, COMMANDS, and_(*_THIS), isouter=True)
_ANSWER = insert(COMMANDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of it: the state as it now is, and the refusal if there was one. Replayed: it had happened before.

    With it what the transaction has at hand and a document needs: who is who, and the words that were just written.
    `request` is the one that brought the command when it was first answered.
    """

    state: PackageState | None
    refusal: Refusal | None = None
    replayed: bool = False
    changed: bool = False
    request: str | None = None
    roster: Roster | None = None
    words: Mapping[str, Words] = field(default_factory=dict)


class PriorAnswer(NamedTuple):
    """What a command was answered before."""

    package_id: str
    content_digest: str | None
    refusal: str | None
    request: str | None


def execute(connection: Connection, installation: Installation, asked: Invocation) -> Outcome:
    """Down the road, once. Raises `StaleError` where somebody else was quicker: then it is walked again."""
    key = {"tenant": installation.tenant_id, "command": asked.command.command_id}
    ((*standing, package_id, digest, refusal, request),) = fetch_all(connection, _AT_THE_DOOR, key)
    if package_id:
        return _again(connection, installation, asked, PriorAnswer(package_id, digest, refusal, request))
    roster = installation.roster(connection, InstallationStatus(*standing))
    is_new = isinstance(asked.command, Submit)
    found = None if is_new else _reached(connection, installation, asked, asked.command.decision_package_id)
    return _decided(connection, installation, asked, found, roster)


def execute_many(connection: Connection, installation: Installation, each: Sequence[Invocation]) -> list[Outcome]:
    """What the clock asks of several packages, in one go: read together and written together, all of it or nothing."""
    roster = installation.roster(connection)
    found = load_packages(connection, installation.tenant_id, [asked.command.decision_package_id for asked in each])
    outcomes: list[Outcome] = []
    with batch_or_stale(connection) as batch:
        for asked in each:
            its = found.get(asked.command.decision_package_id)
            outcomes.append(_decided(connection, installation, asked, its, roster))
            if may_assign(roster.policy, asked.command):
                batch.send()  # the next one counts what this one gave to somebody
    return outcomes


def _decided(
    connection: Connection, installation: Installation, asked: Invocation, found: Loaded | None, roster: Roster
) -> Outcome:
    situation = load_situation(connection, installation, asked, found, roster)
    decided = asked.barred or decide(found.state if found else None, asked.command, situation)
    if isinstance(decided, Refusal):
        return _refused(connection, asked, found, situation, decided)
    if asked.trial:
        return Outcome(state=decided.before, roster=roster)
    with batch_or_stale(connection) as batch:
        _remember(batch, installation.tenant_id, asked, decided.after.decision_package_id, decided.refusal)
        write_transition(connection, decided, found, situation)
    return Outcome(
        state=decided.after,
        refusal=decided.refusal,
        changed=bool(decided.occurrences),
        roster=situation.roster,
        words={**(situation.words or {}), **decided.words},
    )


def _reached(connection: Connection, installation: Installation, asked: Invocation, package_id: str) -> Loaded | None:
    """The package, if there is one, and if it is the agent's own where an agent asks."""
    found = load_package(connection, installation.tenant_id, package_id)
    return found if found and asked.agent_id in (None, found.state.agent_id) else None


def _refused(
    connection: Connection, asked: Invocation, found: Loaded | None, situation: Situation, refusal: Refusal
) -> Outcome:
    """A known person's attempt is kept, once a minute and counted; what an agent is refused, it may try again."""
    if found is None or asked.actor.kind is not ActorKind.PERSON:
        return Outcome(state=found.state if found else None, refusal=refusal)
    if situation.roster.person(asked.actor.actor_id) is None:
        return Outcome(state=found.state, refusal=refusal)
    with batch_or_stale(connection) as batch:
        _remember(batch, situation.tenant_id, asked, found.state.decision_package_id, refusal)
        if not is_first_this_minute(connection, found.state, asked.actor, refusal, asked.now):
            return Outcome(state=found.state, refusal=refusal)
        attempt = record_refusal(found.state, asked.command, situation, refusal.reason)
        write_transition(connection, attempt, found, situation)
    return Outcome(state=attempt.after, refusal=refusal, changed=True)


def has_answered(connection: Connection, tenant_id: str, command_id: str) -> bool:
    return bool(fetch_all(connection, _ANSWERED, {"tenant": tenant_id, "command": command_id}))


def _again(connection: Connection, installation: Installation, asked: Invocation, answered: PriorAnswer) -> Outcome:
    """The same answer as before, if it is the same command."""
    found = _reached(connection, installation, asked, answered.package_id)
    if found is None:
        return Outcome(state=None, refusal=refuse(Reason.NOT_FOUND))
    if answered.content_digest != asked.content_digest:
        return Outcome(state=None, refusal=refuse(Reason.IDEMPOTENCY_CONFLICT, package=answered.package_id))
    refusal = Refusal.model_validate_json(answered.refusal) if answered.refusal else None
    return Outcome(state=found.state, refusal=refusal, replayed=True, request=answered.request)


def _remember(batch: Batch, tenant_id: str, asked: Invocation, package_id: str, refusal: Refusal | None = None) -> None:
    """The clock's commands are judged by what is due, not by their ids."""
    if isinstance(asked.command, ClockCommand):
        return
    row = {
        "tenant_id": tenant_id,
        "command_id": asked.command.command_id,
        "package_id": package_id,
        "content_digest": asked.content_digest,
        "refusal": refusal.model_dump_json() if refusal else None,
        "request": asked.request,
        "at": asked.now,
    }
    batch.execute(_ANSWER, row)
