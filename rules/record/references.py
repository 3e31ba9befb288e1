"""Checks what the events of a package name elsewhere in the record: the events of threads, and exceptions.

If a whole thread is removed, the packages that followed it still show it.

Each use of an exception must cite one that held then, for this agent, type, subject and rule. People must have granted
it: a quorum of voters on its present version, who may also decide on the package that uses it.
A rule is left out when a version comes in, and that is proved again when silence consents and when a permission is
claimed that no person gave. Each of these is a use. Only the first and the last use of each kind are kept: an exception
holds from its grant without a gap.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from rules.package.exceptions import NEVER_EXCEPTED
from rules.record.chain import Event
from rules.record.evidence import Fault, Trail
from rules.scales import HITLLevel
from rules.state.commands import HumanDecisionType
from rules.state.decisions import WITHOUT_PEOPLE, Basis
from rules.state.events import Cause, EventType
from rules.state.model import Status
from rules.state.terms import PEOPLE_FOR_EXCEPTION

CLOCKS_DIFFER = timedelta(minutes=1)  # between replicas: the order of commits is that of the locks
_USED_AGAIN = (EventType.PACKAGE_CONSENTED, EventType.EXECUTION_CLAIMED)
_ENDS = (EventType.EXCEPTION_ENDED, EventType.PACKAGE_REVOKED)
_CHANGES = (EventType.EXCEPTION_SHORTENED, EventType.EXCEPTION_ANNOUNCED)
Json = dict[str, Any]
Longest = Callable[[datetime], datetime | None]


_CAUSES = (
    Cause.THREAD_HELD,
    Cause.THREAD_RESUMED,
    Cause.THREAD_CANCELLED,
    Cause.THREAD_CHANGED,
    Cause.THREAD_HANDED_OVER,
)


def thread_references(trail: Trail) -> Iterator[tuple[str, Fault]]:
    """Each named event, with the fault if there is no such event. The chain must be intact."""
    for event in trail.events:
        if event_id := _named_event(event):
            sentence = f"it names {event_id}, and no thread has this event"
            yield event_id, Fault(trail.package_id, event["revision"], event["event_id"], sentence)


def _named_event(event: Event) -> str | None:
    cause, _, event_id = str(event.get("reason")).partition(" ")
    return event_id if cause in _CAUSES else None


class _Cited(NamedTuple):
    """What a use says of the exception: compared with what people approved."""

    exception_id: str
    rule: str
    agent_id: str
    owner: str
    action_type: str
    subject: str | None
    barred: frozenset[str]


class _Use(NamedTuple):
    at: datetime
    package_id: str
    revision: int
    event_id: str


class _Grant(NamedTuple):
    rule: str
    agents: tuple[str, ...]
    owner: str
    action_types: frozenset[str]
    subject: str | None
    begins: datetime
    ends: datetime
    ends_by_policy: bool  # exceptions of earlier releases had no end of their own, so a milder policy gave time back
    approvers: frozenset[str]
    quorum: int


class ExceptionUses:
    """The grants and uses of a record, package by package in any order."""

    def __init__(self) -> None:
        self._grants: dict[str, _Grant] = {}
        self._uses: dict[_Cited, tuple[_Use, _Use]] = {}

    def read(self, trail: Trail) -> Iterator[Fault]:
        """Read an intact chain. What does not have the form of a grant or a use is a fault."""
        state: Json = {}
        for event in trail.events if any(map(_concerns_exceptions, trail.events)) else ():
            before, state = state, state | event["change"]
            try:
                sentence = self._read_event(trail.package_id, event, before, state)
            except (AttributeError, KeyError, TypeError, ValueError):
                sentence = "what it says of exceptions cannot be read"
            if sentence:
                yield Fault(trail.package_id, event["revision"], event["event_id"], sentence)

    def _read_event(self, package_id: str, event: Event, before: Json, state: Json) -> str | None:
        at = datetime.fromisoformat(event["occurred_at"])
        if event["event_type"] == EventType.EXCEPTION_GRANTED:
            if sentence := self._add_grant(package_id, at, before, state):
                return sentence
        elif grant := self._grants.get(package_id):
            self._grants[package_id] = _grant_after(grant, event["event_type"], at, state)
        came_in = bool(event["change"].get("exception_uses"))
        if came_in or event["event_type"] in _USED_AGAIN:
            self._add_uses(_Use(at, package_id, event["revision"], event["event_id"]), state, came_in=came_in)
        return _basis_fault(event, state)

    def _add_grant(self, package_id: str, at: datetime, before: Json, state: Json) -> str | None:
        if package_id in self._grants:
            return "it grants the exception a second time"
        grant = _grant(state, at)
        sentence = _grant_fault(grant, before, state)
        if sentence is None:
            self._grants[package_id] = grant
        return sentence

    def _add_uses(self, use: _Use, state: Json, *, came_in: bool) -> None:
        for cited in state.get("exception_uses") or ():
            if came_in or _still_rests_on(cited, state):
                key = _Cited(
                    cited["exception_id"],
                    cited["rule"],
                    state["agent_id"],
                    state["owner"],
                    state["action_type"],
                    state.get("subject_digest"),
                    frozenset(state["barred"]),
                )
                first, last = self._uses.get(key, (use, use))
                self._uses[key] = min(first, use, key=_at), max(last, use, key=_at)

    def faults(self, *, whole: bool, longest: Longest) -> Iterator[Fault]:
        """After all packages. A part of a record may lack an exception that it cites.

        `longest` says until when the policies let an exception hold that began at a time.
        """
        for cited, uses in self._uses.items():
            grant = _bounded(self._grants.get(cited.exception_id), longest)
            for use in dict.fromkeys(uses) if grant or whole else ():
                if sentence := _use_fault(cited, use, grant):
                    yield Fault(use.package_id, use.revision, use.event_id, sentence)


def _bounded(grant: _Grant | None, longest: Longest) -> _Grant | None:
    end = longest(grant.begins) if grant and grant.ends_by_policy else None
    return grant._replace(ends=min(grant.ends, end)) if grant and end else grant


def _concerns_exceptions(event: Event) -> bool:
    change = event["change"]
    return bool(change.get("exception") or change.get("exception_uses") or event.get("basis") == Basis.EXCEPTION)


def _at(use: _Use) -> datetime:
    return use.at


def _grant(state: Json, at: datetime) -> _Grant:
    exception = state["exception"]
    return _Grant(
        exception["rule"],
        tuple(exception["agents"]),
        exception["owner"],
        frozenset(exception["action_types"]),
        state.get("subject_digest"),
        at,
        _end(exception),
        exception.get("ends_at") is not None,
        _approvers(state),
        max(PEOPLE_FOR_EXCEPTION, state["terms"]["quorum"]),
    )


def _grant_after(grant: _Grant, event_type: str, at: datetime, state: Json) -> _Grant:
    """The grant after this event, which can end it earlier. Uses before the event stay sound."""
    if event_type in _ENDS:
        return grant._replace(ends=min(grant.ends, at))
    if event_type in _CHANGES:
        return grant._replace(ends=min(grant.ends, max(_end(state["exception"]), at)))
    return grant


def _end(exception: Json) -> datetime:
    """When it ends: never later than people approved."""
    until, ends_at = exception["until"], exception.get("ends_at")
    return min(map(datetime.fromisoformat, (until, ends_at or until)))


def _approvers(state: Json) -> frozenset[str]:
    """The people who decided by a vote on the present version and are not barred."""
    voters = {vote["reviewer_id"] for vote in state["votes"] if _approves(vote, state["version"])}
    decided = {seat["reviewer_id"] for seat in state["decision"]["reviewers"]} if state["decision"] else set[str]()
    return frozenset(decided & voters - state["barred"].keys())


def _approves(vote: Json, version: int) -> bool:
    return bool(vote["version"] == version and vote["decision"] == HumanDecisionType.APPROVE)


_ASKED = ("rule", "agents", "owner", "action_types", "until")


def _grant_fault(grant: _Grant, before: Json, state: Json) -> str | None:
    if state["status"] != Status.APPROVED or len(grant.approvers) < grant.quorum:
        return f"it grants an exception that {len(grant.approvers)} of {grant.quorum} people approved"
    asked, granted = before["exception"], state["exception"]
    changed = [name for name in _ASKED if asked[name] != granted[name]]
    return f"it grants an exception with another {', '.join(changed)} than people approved" if changed else None


def _still_rests_on(cited: Json, state: Json) -> bool:
    """Whether no person decided, and the rule would have asked for more than the present level."""
    unattended = (state.get("decision") or {}).get("basis") in WITHOUT_PEOPLE
    return unattended and HITLLevel(cited["asked"]) > HITLLevel(state["level"])


def _use_fault(cited: _Cited, use: _Use, grant: _Grant | None) -> str | None:
    name = f"it cites the exception {cited.exception_id}"
    if grant is None:
        return f"{name}, and no people granted it"
    if not grant.begins - CLOCKS_DIFFER <= use.at < grant.ends + CLOCKS_DIFFER:
        return f"{name}, which did not hold then"
    fits = {
        "rule": cited.rule == grant.rule,
        "agent": cited.agent_id in grant.agents and cited.owner == grant.owner,
        "action type": cited.action_type in grant.action_types,
        "subject": grant.subject in (None, cited.subject),
    }
    wrong = ", ".join(part for part, fit in fits.items() if not fit)
    if wrong:
        return f"{name}, which was granted for another {wrong}"
    barred = len(grant.approvers - cited.barred) < grant.quorum
    return f"{name}, which people approved who may not decide on this package" if barred else None


def _basis_fault(event: Event, state: Json) -> str | None:
    """A decision that an exception spared names the exception, among those that the package used."""
    if state.get("exception_uses") and state.get("kind") in NEVER_EXCEPTED:
        return f"no exception covers a {state['kind']}"
    if event.get("basis") != Basis.EXCEPTION:
        return None
    cited = [use["exception_id"] for use in state.get("exception_uses") or ()]
    named = (state.get("decision") or {}).get("grant_id")
    return None if named in cited else "it was decided by an exception that it does not cite"
