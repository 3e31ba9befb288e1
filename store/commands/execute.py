"""Executes commands: the only code that changes packages, for reviewers, agents and the clock alike.

**How it works.** One transaction loads the package and what the command's rule needs (`store.commands.situation`), asks
the rules, replaces the state, appends the events and their content, and queues cards and callbacks
(`store.commands.write`). The caller is answered after the commit, never before.

**Idempotency.** A command's id comes from the click or the request. The answer is saved in the same transaction, so a
repeated command gets the same answer, even after a lost reply or a crash. A different command with the same id is
refused. Answers to the clock's commands are not saved: whether they apply depends only on what is due.

**Races.** If two commands change one package, the state is replaced only if its revision is still the one that was
read, and each event takes the next position in the package's chain, which is unique. The second command gets
`StaleError`, and its whole operation runs again on the new state. Execution reports of one agent lock the agent's row
and run one after the other, because they count towards its earned trust. Pausing an agent waits for running claims.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, and_, select

from rules.people.directory import ActorKind, Roster
from rules.reasons import Reason, Refusal, refuse
from rules.state.model import PackageState
from rules.state.service_commands import ClockCommand, ThreadConsequence
from rules.state.situation import Situation
from rules.state.transition import Words, record_refusal
from rules.threads.model import thread_key
from rules.trace_context import TraceContext
from rules.verbs.decide import decide
from rules.verbs.submission import Submit
from store.commands.answers import (
    ANSWER_COLUMNS,
    COMMANDS,
    THIS_COMMAND,
    NewAnswer,
    PriorAnswer,
    save_answer,
)
from store.commands.invocation import Invocation
from store.commands.refusals import is_first_this_minute
from store.commands.situation import load_situation, may_assign
from store.commands.write import batch_or_stale, write_transition
from store.engine.batch import Batch
from store.engine.statements import fetch_all
from store.installation.installation import INSTALLATION, STATUS_COLUMNS, Installation, InstallationStatus
from store.packages.packages import Loaded, load_package, load_packages

# Every command first reads the status of the installation and the earlier answer to the same command, if any.
_STATUS_AND_ANSWER = select(*STATUS_COLUMNS, *ANSWER_COLUMNS).join_from(
    INSTALLATION, COMMANDS, and_(*THIS_COMMAND), isouter=True
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The state after the command, and the refusal, if any. `replayed`: the command had been answered before.

    `roster` and `words` (the content just written) spare the caller from loading them again for a document.
    `request` is the request with which the command was first answered. `before` is the state before a change, and
    `trace` the one that the package keeps; new packages have neither.
    """

    state: PackageState | None
    refusal: Refusal | None = None
    replayed: bool = False
    changed: bool = False
    request: str | None = None
    roster: Roster | None = None
    words: Mapping[str, Words] = field(default_factory=dict)
    before: PackageState | None = None
    trace: TraceContext | None = None

    @property
    def chains(self) -> tuple[str, ...]:
        """The package and its thread, for those who wait for one of them."""
        if self.state is None:
            return ()
        thread_id = self.state.thread_id
        return (self.state.decision_package_id, *([thread_key(thread_id)] if thread_id else []))


# Called after the commit. The number is when the command began, in nanoseconds since 1970.
Observer = Callable[[Invocation, Outcome, int], None]


def execute(connection: Connection, installation: Installation, invocation: Invocation) -> Outcome:
    """Execute one command. Raises `StaleError` if another one changed the package first; then run it again."""
    key = {"tenant": installation.tenant_id, "command": invocation.command.command_id}
    ((*status, package_id, digest, refusal, request),) = fetch_all(connection, _STATUS_AND_ANSWER, key)
    if package_id:
        return _replay(connection, installation, invocation, PriorAnswer(package_id, digest, refusal, request))
    roster = installation.roster(connection, InstallationStatus(*status))
    is_new = isinstance(invocation.command, Submit)
    loaded = (
        None
        if is_new
        else _load_accessible(connection, installation, invocation, invocation.command.decision_package_id)
    )
    return _decide(connection, installation, invocation, loaded, roster)


def execute_many(
    connection: Connection, installation: Installation, invocations: Sequence[Invocation]
) -> list[Outcome]:
    """Execute the clock's commands for several packages with few statements: all of them or none."""
    roster = installation.roster(connection)
    loaded = load_packages(
        connection, installation.tenant_id, [invocation.command.decision_package_id for invocation in invocations]
    )
    outcomes: list[Outcome] = []
    with batch_or_stale(connection) as batch:
        for invocation in invocations:
            package = loaded.get(invocation.command.decision_package_id)
            outcomes.append(_decide(connection, installation, invocation, package, roster))
            if may_assign(roster.policy, invocation.command):
                batch.send()  # the next command counts the tasks that this one assigned
    return outcomes


def _decide(
    connection: Connection, installation: Installation, invocation: Invocation, loaded: Loaded | None, roster: Roster
) -> Outcome:
    situation = load_situation(connection, installation, invocation, loaded, roster)
    result = invocation.barred or decide(loaded.state if loaded else None, invocation.command, situation)
    if isinstance(result, Refusal):
        return _record_refusal(connection, invocation, loaded, situation, result)
    if invocation.trial:
        return Outcome(state=result.before, roster=roster)
    with batch_or_stale(connection) as batch:
        _save_answer(batch, installation.tenant_id, invocation, result.after.decision_package_id, result.refusal)
        write_transition(batch, result, loaded, situation, invocation.trace)
    return Outcome(
        state=result.after,
        refusal=result.refusal,
        changed=bool(result.occurrences),
        roster=situation.roster,
        words={**(situation.words or {}), **result.words},
        before=result.before,
        trace=loaded.trace if loaded else None,
    )


def _load_accessible(
    connection: Connection, installation: Installation, invocation: Invocation, package_id: str
) -> Loaded | None:
    """The package, unless an agent asks for a package of another agent."""
    loaded = load_package(connection, installation.tenant_id, package_id)
    return loaded if loaded and invocation.agent_id in (None, loaded.state.agent_id) else None


def _record_refusal(
    connection: Connection, invocation: Invocation, loaded: Loaded | None, situation: Situation, refusal: Refusal
) -> Outcome:
    """Record a known person's refused attempt: one event a minute, others are only counted. Those of agents are not."""
    if loaded is None or invocation.actor.kind is not ActorKind.PERSON:
        return Outcome(state=loaded.state if loaded else None, refusal=refusal, trace=loaded.trace if loaded else None)
    if situation.roster.person(invocation.actor.actor_id) is None:
        return Outcome(state=loaded.state, refusal=refusal)
    with batch_or_stale(connection) as batch:
        _save_answer(batch, situation.tenant_id, invocation, loaded.state.decision_package_id, refusal)
        if not is_first_this_minute(connection, loaded.state, invocation.actor, refusal, invocation.now):
            return Outcome(state=loaded.state, refusal=refusal)
        attempt = record_refusal(loaded.state, invocation.command, situation, refusal.reason)
        write_transition(batch, attempt, loaded, situation)
    return Outcome(state=attempt.after, refusal=refusal, changed=True, before=attempt.before, trace=loaded.trace)


def _replay(
    connection: Connection, installation: Installation, invocation: Invocation, answered: PriorAnswer
) -> Outcome:
    """Return the saved answer, if this is the same command."""
    loaded = _load_accessible(connection, installation, invocation, answered.package_id)
    if loaded is None:
        return Outcome(state=None, refusal=refuse(Reason.NOT_FOUND))
    if conflict := answered.check_same_content(invocation.content_digest):
        return Outcome(state=None, refusal=conflict)
    return Outcome(state=loaded.state, refusal=answered.as_refusal(), replayed=True, request=answered.request)


def _save_answer(
    batch: Batch, tenant_id: str, invocation: Invocation, package_id: str, refusal: Refusal | None = None
) -> None:
    """The clock's commands have no saved answer, nor have a thread's: there the thread's own command has one."""
    command = invocation.command
    if isinstance(command, ClockCommand | ThreadConsequence):
        return
    refusal_json = refusal.model_dump_json() if refusal else None
    digest, request = invocation.content_digest, invocation.request
    save_answer(
        batch, NewAnswer(tenant_id, command.command_id, package_id, digest, refusal_json, request, invocation.now)
    )
