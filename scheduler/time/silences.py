"""A silence as the scheduler sees it: what the database knows about it, and what Slack says about its cards.

The database says whether the silence may be long enough; then Slack is asked whether the cards still exist and who sees
them. Only a silence that both confirm becomes a `Consent`, which the rules check again. Times when nobody could object
(absences, a process that was down) do not count.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from rules.authority.silence import (
    SilenceContext,
    anyone_can_object,
    cards_of,
    counted_silence,
    earliest_consent,
    onlookers_of,
)
from rules.state.model import PackageState, Terms
from rules.state.sightings import CardLocation, SeenCard
from rules.state.terms import terms_today
from scheduler.cards.proofs import CardProof
from scheduler.common.messenger import BusyError, TokenError
from store.installation import uptime
from store.installation.directory import absence_spans
from store.installation.installation import Installation
from store.outbox import cards

ASKED_AGAIN_AFTER = timedelta(seconds=30)  # if Slack did not answer, or a click could not have arrived just now
SHOWN_WITHIN = timedelta(minutes=5)  # if the card is posted or proven again, which starts another silence

CardProofs = Mapping[CardLocation, CardProof]


@dataclass(frozen=True, slots=True)
class SilentPackage:
    """A package without any answer. `cards` are those still present that an eligible person saw."""

    state: PackageState
    cards: tuple[SeenCard, ...]
    context: SilenceContext
    terms: Terms
    now: datetime

    @property
    def end(self) -> datetime:
        """When there is no time left to wait for proof."""
        return min(self.state.task.due_at, self.state.ends_at)

    @property
    def is_late(self) -> bool:
        return self.end <= self.now

    @property
    def may_be_enough(self) -> bool:
        """According to the database. Only then Slack is asked."""
        return self.is_enough(self.cards)

    def length(self, seen: Iterable[SeenCard]) -> timedelta:
        """How much of the silence counts if people saw only these cards."""
        return counted_silence(self.state, onlookers_of(seen), self.context, self.now)

    def is_enough(self, seen: Iterable[SeenCard]) -> bool:
        return self.length(seen) >= self.terms.soft_timeout

    def proven(self, answers: CardProofs) -> tuple[SeenCard, ...]:
        """The cards that still exist, each with the people who saw it before and still see it."""
        people = {card.location: answers.get(card.location, CardProof()).people for card in self.cards}
        return tuple(card.seen_only_by(seen) for card in self.cards if (seen := people[card.location]) is not None)

    def is_proven(self, answers: CardProofs) -> bool:
        """Whether the silence is long enough according to Slack's answers."""
        return self.is_enough(self.proven(answers))

    def deleted_cards(self, answers: CardProofs) -> list[CardLocation]:
        """The cards that Slack says do not exist: an empty proof."""
        return [card.location for card in self.cards if answers.get(card.location) == CardProof()]

    def is_deserted(self, answers: CardProofs) -> bool:
        """Whether all cards exist and nobody who may decide now can see them."""
        seen = [answers[card.location].people for card in self.cards]
        return all(people is not None and not self._any_there(people) for people in seen)

    def app_is_gone(self, answers: CardProofs) -> bool:
        return any(
            isinstance(answers[card.location].fault, TokenError) for card in self.cards if card.location in answers
        )

    def again_at(self, answers: CardProofs) -> datetime:
        """When to look again: when it could be enough, or when Slack may answer differently."""
        if not self.cards or self.may_be_enough:
            return min(self.now + self._pause(answers), self.end)
        onlookers, so_far = onlookers_of(self.cards), self.length(self.cards)
        return min(earliest_consent(self.state, onlookers, self.context, self.terms, so_far, self.now), self.end)

    def _pause(self, answers: CardProofs) -> timedelta:
        faults = [proof.fault for card in self.cards if (proof := answers[card.location]).fault]
        retry_delays = [timedelta(seconds=fault.after) for fault in faults if isinstance(fault, BusyError)]
        return max([ASKED_AGAIN_AFTER, *retry_delays]) if faults else SHOWN_WITHIN

    def _any_there(self, people: Iterable[str]) -> bool:
        return anyone_can_object(self.state, people, self.context.roster, self.now)


def silent_packages(
    connection: Connection, installation: Installation, states: Sequence[PackageState], now: datetime
) -> list[SilentPackage]:
    """These packages, with what is needed to measure their silences: read once for all of them."""
    since = min(state.shown.at for state in states if state.shown)
    away = absence_spans(connection, installation.tenant_id, since, now)
    up = uptime.provable_spans(connection, installation.tenant_id, since, now)
    context = SilenceContext(installation.roster(connection), away, up)
    posted = cards.posted_cards(connection, installation.tenant_id, [state.decision_package_id for state in states])
    return [
        SilentPackage(
            state=state,
            cards=tuple(card for card in cards_of(state) if card.location in posted[state.decision_package_id]),
            context=context,
            terms=terms_today(state, context.roster.policy),
            now=now,
        )
        for state in states
    ]
