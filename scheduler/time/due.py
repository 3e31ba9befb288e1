"""Finds packages whose time has come and sends the command that is due, like any other caller.

The rules check again that it is due, so a late run, a double run or a run on three machines has the same result. A
command that is refused for now is postponed, so that it holds up no other package.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Connection

from rules.reasons import Reason, Refusal
from rules.state.commands import Verb
from rules.state.model import PackageState
from rules.state.service_commands import ClockCommand
from rules.verbs.table import CLOCK_COMMANDS
from rules.verbs.timers import next_due
from scheduler.common import clock_commands
from store.engine.workers import UnavailableError
from store.packages.packages import claim_due_packages, is_any_due, postpone_due
from store.store import Store

log = structlog.get_logger()

AT_ONCE = 200  # packages in one transaction
CLAIMED_FOR = timedelta(seconds=30)
RETRY_AFTER = timedelta(seconds=30)  # after a refusal, such as while an agent is paused


class Sweep:
    def __init__(self, store: Store, silent: Callable[[list[PackageState]], None]) -> None:
        """`silent` takes the packages whose silence may be long enough: consent needs more than time."""
        self._store, self._silent, self._lock = store, silent, asyncio.Lock()

    async def tick(self) -> None:
        """Everything that is due now, the longest overdue first. Runs never overlap."""
        async with self._lock:
            try:
                while await self._store.read(self._is_any_due):
                    states = await self._store.write(self._claim)
                    await self._process(states)
            except UnavailableError as fault:
                log.warning("sweep.database_unavailable", error=str(fault))

    def _is_any_due(self, connection: Connection) -> bool:
        """Reads the policy first: a process that cannot read it leaves due packages to other processes."""
        self._store.installation.roster(connection)
        return is_any_due(connection, self._store.installation.tenant_id, self._store.clock())

    def _claim(self, connection: Connection) -> list[PackageState]:
        now = self._store.clock()
        return claim_due_packages(connection, self._store.installation.tenant_id, now, now + CLAIMED_FOR, AT_ONCE)

    async def _process(self, states: list[PackageState]) -> None:
        """Sends the due commands, hands over silent packages, and postpones what is refused."""
        now = self._store.clock()
        actions = [(state, self._due_action(state, now)) for state in states]
        self._silent([state for state, action in actions if action is Verb.CONSENT])
        commands = [(state, command) for state, command in actions if isinstance(command, ClockCommand)]
        outcomes = await self._store.execute_many([command for _, command in commands])
        later = [(state, at) for state, at in actions if isinstance(at, datetime)]
        for (state, _), outcome in zip(commands, outcomes, strict=True):
            if outcome.refusal:
                _log_refusal(state, outcome.refusal)
                later.append((state, now + RETRY_AFTER))
        await self._postpone(later)

    def _due_action(self, state: PackageState, now: datetime) -> ClockCommand | datetime | Verb:
        """The command or verb that is due now, or when to look again."""
        following = next_due(state)
        if following is None or following[0] > now:
            # The row's due time differs from the state's only if it was postponed.
            return following[0] if following else now + RETRY_AFTER
        verb = following[1]
        return verb if verb is Verb.CONSENT else clock_commands.for_state(CLOCK_COMMANDS[verb], state)

    async def _postpone(self, later: list[tuple[PackageState, datetime]]) -> None:
        """Postpones each by at least a second: a package that stays due would keep the others waiting."""
        if not later:
            return
        soonest = self._store.clock() + timedelta(seconds=1)
        times = [(state, max(at, soonest)) for state, at in later]
        await self._store.write(lambda connection: postpone_due(connection, times))


def _log_refusal(state: PackageState, refusal: Refusal) -> None:
    if refusal.reason is not Reason.NOT_DUE:
        log.info("sweep.command_refused", package=state.decision_package_id, reason=refusal.reason.value)
