"""Turns silence into consent, once Slack has confirmed that someone could see the card all that time.

The sweep hands over packages whose time has come. The database says how much of each silence counts. Only if that is
enough, Slack is asked for proof: outside any transaction and beside the sweep, so that a slow Slack delays nothing
else. The proof goes into a `Consent` command, where the rules check it again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial

import structlog
from sqlalchemy import Connection

from rules.authority.silence import onlookers_of
from rules.state.model import PackageState
from rules.state.service_commands import Consent
from rules.state.sightings import SeenCard, Silence
from scheduler.cards.proofs import Proofs
from scheduler.common import clock_commands
from scheduler.time.heartbeat import Heartbeat
from scheduler.time.silences import ASKED_AGAIN_AFTER, CardProofs, SilentPackage, silent_packages
from store.engine.workers import UnavailableError
from store.outbox import cards
from store.packages.packages import postpone_due
from store.store import Store

log = structlog.get_logger()


class Consents:
    def __init__(self, store: Store, heart: Heartbeat, proofs: Proofs) -> None:
        self._store, self._heart, self._proofs = store, heart, proofs
        self._waiting: dict[str, PackageState] = {}
        self._lock = asyncio.Lock()

    def take(self, states: list[PackageState]) -> None:
        """Keeps the packages for the next tick."""
        self._waiting |= {state.decision_package_id: state for state in states}

    async def tick(self) -> None:
        """Runs never overlap. What is not done now is due again when the sweep's claim ends."""
        async with self._lock:
            states, self._waiting = list(self._waiting.values()), {}
            try:
                if states:
                    await self._process(states)
            except UnavailableError as fault:
                log.warning("consents.database_unavailable", error=str(fault))

    async def _process(self, states: list[PackageState]) -> None:
        installation, now = self._store.installation, self._store.clock()
        silent = await self._store.read(lambda connection: silent_packages(connection, installation, states, now))
        answers = await self._proofs.of([card for package in silent if package.may_be_enough for card in package.cards])
        commands = [(package, self._command_for(package, answers)) for package in silent]
        to_send = [(package, command) for package, command in commands if command]
        outcomes = await self._store.execute_many([command for _, command in to_send])
        later = [package for (package, _), outcome in zip(to_send, outcomes, strict=True) if outcome.refusal]
        waiting = [package for package, command in commands if command is None]
        later += [package for package in waiting if package.is_proven(answers)]  # only the heartbeat is missing
        unproven = [package for package in waiting if not package.is_proven(answers)]
        if unproven or later:
            await self._store.write(partial(self._postpone, unproven=unproven, later=later, answers=answers))

    def _command_for(self, package: SilentPackage, answers: CardProofs) -> Consent | None:
        """The command, if there is proof, if there can be none, or if there is no time left to wait for it.

        A short gap in the proof that clicks arrive hardens nothing: consent waits, and the heartbeat counts the gap.
        """
        heard = self._heart.hears_clicks
        if not package.may_be_enough:
            return self._consent(package, (), heard=heard) if package.is_late else None
        is_over = package.is_late or package.app_is_gone(answers) or package.is_deserted(answers)
        if is_over or (heard and package.is_proven(answers)):
            return self._consent(package, package.proven(answers), heard=heard and not package.app_is_gone(answers))
        return None

    def _consent(self, package: SilentPackage, seen: Sequence[SeenCard], *, heard: bool) -> Consent:
        silence = Silence(
            counted=package.length(seen),
            could_be_answered=heard,
            cards=frozenset(card.location for card in seen),
            onlookers=onlookers_of(seen),
        )
        return clock_commands.for_state(Consent, package.state, silence=silence)

    def _postpone(
        self,
        connection: Connection,
        unproven: Sequence[SilentPackage],
        later: Sequence[SilentPackage],
        answers: CardProofs,
    ) -> None:
        for package in unproven:
            self._renew(connection, package, answers)
        times = [(package.state, package.again_at(answers)) for package in unproven]
        times += [(package.state, package.now + ASKED_AGAIN_AFTER) for package in later]
        postpone_due(connection, times)

    def _renew(self, connection: Connection, package: SilentPackage, answers: CardProofs) -> None:
        """Lost cards are posted again; for the others, the current viewers are recorded."""
        tenant_id, package_id = self._store.installation.tenant_id, package.state.decision_package_id
        for card in package.deleted_cards(answers):
            log.info("card.lost", package=package_id, channel=card.channel)
            cards.mark_lost(connection, tenant_id, package_id, card)
        if not package.cards or package.may_be_enough:
            cards.recheck_package_viewers(connection, tenant_id, package_id)
