"""Turns silence into consent, once Slack has said that someone could see the card all that time.

The sweep hands over the packages whose time has come. The database says how much of each silence counts. Only if that
is enough, Slack is asked for proof: outside any transaction, and beside the sweep, so that a slow Slack delays nothing
else. The proof goes down the road, where the rules check it again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial

import structlog
from sqlalchemy import Connection

from rules.authority.silence import onlookers_of
from rules.state.clock_commands import Consent
from rules.state.model import PackageState
from rules.state.sightings import SeenCard, Silence
from scheduler.cards.proofs import Proofs
from scheduler.common import clock_commands
from scheduler.time.heartbeat import Heart
from scheduler.time.silences import ASKED_AGAIN_AFTER, Answers, Quiet, quiet
from store.engine.workers import UnavailableError
from store.outbox import cards
from store.packages.packages import postpone_due
from store.store import Store

log = structlog.get_logger()


class Consents:
    def __init__(self, store: Store, heart: Heart, proofs: Proofs) -> None:
        self._store, self._heart, self._proofs = store, heart, proofs
        self._waiting: dict[str, PackageState] = {}
        self._alone = asyncio.Lock()

    def take(self, states: list[PackageState]) -> None:
        self._waiting |= {state.decision_package_id: state for state in states}

    async def tick(self) -> None:
        """Never beside itself. What it does not get done is due again when the sweep's claim ends."""
        async with self._alone:
            states, self._waiting = list(self._waiting.values()), {}
            try:
                if states:
                    await self._look_at(states)
            except UnavailableError as fault:
                log.warning("consents.database_unavailable", error=str(fault))

    async def _look_at(self, states: list[PackageState]) -> None:
        installation, now = self._store.installation, self._store.clock()
        found = await self._store.read(lambda connection: quiet(connection, installation, states, now))
        answers = await self._proofs.of([card for its in found if its.may_be_enough for card in its.cards])
        meant = [(its, self._meant(its, answers)) for its in found]
        asked = [(its, command) for its, command in meant if command]
        outcomes = await self._store.execute_many([command for _, command in asked])
        later = [its for (its, _), outcome in zip(asked, outcomes, strict=True) if outcome.refusal]
        waiting = [its for its, command in meant if command is None]
        later += [its for its in waiting if its.is_proven(answers)]  # only the proof that clicks come in is missing
        unproven = [its for its in waiting if not its.is_proven(answers)]
        if unproven or later:
            await self._store.write(partial(self._put_off, unproven=unproven, later=later, answers=answers))

    def _meant(self, its: Quiet, answers: Answers) -> Consent | None:
        """The rules are asked where there is proof, where there can be none, and where no time is left for it.

        A short gap in the proof that clicks come in makes nothing hard: consent waits, and the heart counts the gap.
        """
        heard = self._heart.beating
        if not its.may_be_enough:
            return self._consent(its, (), heard=heard) if its.is_late else None
        is_over = its.is_late or its.app_is_gone(answers) or its.is_deserted(answers)
        if is_over or (heard and its.is_proven(answers)):
            return self._consent(its, its.proven(answers), heard=heard and not its.app_is_gone(answers))
        return None

    def _consent(self, its: Quiet, seen: Sequence[SeenCard], *, heard: bool) -> Consent:
        silence = Silence(
            counted=its.length(seen),
            could_be_answered=heard,
            cards=frozenset(card.location for card in seen),
            onlookers=onlookers_of(seen),
        )
        return clock_commands.of(Consent, its.state, silence=silence)

    def _put_off(
        self, connection: Connection, unproven: Sequence[Quiet], later: Sequence[Quiet], answers: Answers
    ) -> None:
        for its in unproven:
            self._renew(connection, its, answers)
        each = [(its.state, its.again_at(answers)) for its in unproven]
        each += [(its.state, its.now + ASKED_AGAIN_AFTER) for its in later]
        postpone_due(connection, each)

    def _renew(self, connection: Connection, its: Quiet, answers: Answers) -> None:
        """Cards that are gone are posted again. For the others it is written down who sees them now."""
        tenant_id, package = self._store.installation.tenant_id, its.state.decision_package_id
        for card in its.gone(answers):
            log.info("card.lost", package=package, channel=card.channel)
            cards.mark_lost(connection, tenant_id, package, card)
        if not its.cards or its.may_be_enough:
            cards.recheck_package_viewers(connection, tenant_id, package)
