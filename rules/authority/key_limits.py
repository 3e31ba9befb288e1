"""Checks of a proposal against its agent's key: its scope (type, requester, risk) and its rates.

A key without limits allows everything. The store counts what the agent sent within the last minute; the checks only
compare. A handoff applies the same checks to the key of the agent that gets the thread.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from math import ceil
from typing import NamedTuple

from rules.package.model import DecisionPackage
from rules.people.agent_keys import KeyScope, Load, Rates
from rules.people.directory import Roster
from rules.reasons import Reason, Refusal, refuse
from rules.scales import Reversibility, RiskLevel
from rules.state.model import PackageState

PERIOD = timedelta(minutes=1)
_RETRY_WHEN_FULL = 60  # seconds; how soon people will decide is not known


def check_action_type(scope: KeyScope, package: DecisionPackage) -> Refusal | None:
    if scope.covers(package.action_type):
        return None
    return _beyond_key("action_type", package.action_type, ", ".join(scope.may))


def check_requester(scope: KeyScope, requester: str, package: DecisionPackage, roster: Roster) -> Refusal | None:
    """If the package names no requester, the agent's owner is the requester."""
    person = roster.person(requester)
    names = (person.user_id, (person.email or "").lower()) if person else (requester, package.requested_by or "")
    if scope.covers_requester(names):
        return None
    asked = package.requested_by or f"the agent's owner {requester}, because requested_by is missing"
    return _beyond_key("requested_by", asked, ", ".join(scope.requesters))


def check_risk(
    scope: KeyScope, risk: RiskLevel, reversibility: Reversibility, package: DecisionPackage
) -> Refusal | None:
    """`risk` and `reversibility` are the graver of the agent's and the catalogue's values."""
    counts_as = _counts_as(risk, reversibility)
    if counts_as <= scope.max_risk:
        return None
    allowed = f"up to {scope.max_risk} risk"
    if package.risk_level > scope.max_risk:
        return _beyond_key("risk_level", f"{package.risk_level} risk", allowed)
    if package.reversibility is Reversibility.IRREVERSIBLE_HIGH:
        return _beyond_key("reversibility", f"irreversible_high, which counts as {counts_as} risk", allowed)
    return _beyond_key("action_type", f"{package.action_type}, which counts as {counts_as} risk", allowed)


class Beyond(NamedTuple):
    """What a key does not cover, and what it covers."""

    asked: str
    allowed: str


def beyond_scope(scope: KeyScope, state: PackageState, roster: Roster) -> Beyond | None:
    """What of an existing package lies beyond the key. Its risk is already the graver of agent's and catalogue's."""
    if not scope.covers(state.action_type):
        return Beyond(state.action_type, ", ".join(scope.may))
    person = roster.person(state.requester)
    if not scope.covers_requester((person.user_id, (person.email or "").lower()) if person else (state.requester,)):
        return Beyond("its requester", ", ".join(scope.requesters))
    counts_as = _counts_as(state.risk, state.reversibility)
    return Beyond(f"{counts_as} risk", f"up to {scope.max_risk} risk") if counts_as > scope.max_risk else None


def _counts_as(risk: RiskLevel, reversibility: Reversibility) -> RiskLevel:
    return max(risk, RiskLevel.HIGH) if reversibility is Reversibility.IRREVERSIBLE_HIGH else risk


def _beyond_key(field: str, asked: str, allowed: str) -> Refusal:
    return refuse(Reason.BEYOND_KEY, field=field, asked=asked, allowed=allowed)


def check_rate(rates: Rates, load: Load, now: datetime, *, settled: bool) -> Refusal | None:
    """Refuse if the last minute has no room for one more. By default, packages settled at once are not limited."""
    if rates.new and load.new >= rates.new:
        return _rate_limited(f"This agent may send {rates.new} packages a minute.", load.new_since, now)
    if not settled and rates.waiting and load.waiting >= rates.waiting:
        sentence = f"This agent may send {rates.waiting} packages a minute that wait for people."
        return _rate_limited(sentence, load.waiting_since, now)
    return None


def check_recent(sent: Sequence[datetime], limit: int, sentence: str, now: datetime) -> Refusal | None:
    """Refuse with this sentence if `limit` were sent in the last minute. `sent` begins with the oldest."""
    return _rate_limited(sentence, sent[-limit], now) if len(sent) >= limit else None


def check_open_packages(rates: Rates, load: Load) -> Refusal | None:
    """Refuse if the agent has as many open packages as its key allows."""
    if not rates.open or load.open < rates.open:
        return None
    sentence = (
        f"This agent has {load.open} open packages and may have {rates.open}. Withdraw some, or wait for decisions."
    )
    return refuse(Reason.RATE_LIMITED, limit=sentence, after=_RETRY_WHEN_FULL)


def _rate_limited(sentence: str, since: datetime | None, now: datetime) -> Refusal:
    """Retry when the oldest package of the last minute is a minute old."""
    wait = (since or now) + PERIOD - now
    return refuse(Reason.RATE_LIMITED, limit=sentence, after=max(1, ceil(wait.total_seconds())))
