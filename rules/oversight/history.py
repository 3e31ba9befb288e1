"""`History`: what the service remembered at an earlier time, from the events until then.

A submission depends on what the store remembers of earlier packages: the levels that the same action had, what people
refused, and when they last approved. The store reads it from tables that show only the present. Here the events give it
back: they are recorded in the order in which they happened, and between two of them the history answers as the tables
did.

`forget` drops packages that no window reaches any more. If such a package has another event, `knows` says that its
earlier events must be recorded again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from rules.policy.model import Windows
from rules.record.chain import Event
from rules.scales import HITLLevel
from rules.spelling import normalize_name
from rules.state.decisions import Decision
from rules.state.events import EventType
from rules.state.model import PackageState, Status, approved_by_people_at
from rules.state.noes import APPROVING, No, RememberedNo
from rules.state.situation import MAX_APPROVALS, MAX_BEFORE, Before

_APPROVED = (Status.APPROVED, Status.OVERRIDDEN)


@dataclass(slots=True, eq=False)
class _Package:
    """A package as the tables had it after its last event."""

    package_id: str
    action_type: str
    updated_at: datetime
    agent_id: str = ""
    subject_digest: str | None = None
    status: Status = Status.PENDING
    decision: Decision | None = None
    version: _Version | None = None
    noes: dict[str, _No] = field(default_factory=dict)

    def follow(self, change: dict[str, Any], at: datetime) -> None:
        self.updated_at = at
        self.agent_id = change.get("agent_id", self.agent_id)
        self.subject_digest = change.get("subject_digest", self.subject_digest)
        self.status = Status(change.get("status", self.status))
        if "decision" in change:
            self.decision = Decision.model_validate(change["decision"]) if change["decision"] else None


@dataclass(slots=True, eq=False)
class _Version:
    package: _Package
    number: int
    agent_id: str
    created_at: datetime
    level: HITLLevel


@dataclass(slots=True, eq=False)
class _No:
    package: _Package
    no: RememberedNo
    settled: bool


@dataclass(slots=True, eq=False)
class _Vote:
    package: _Package
    at: datetime


_Entry = TypeVar("_Entry", _Version, _No, _Vote)
_ByAction = tuple[str, str]  # an agent, with a digest or a type of action


class History:
    """`missed`: packages that have an event which could not be recorded."""

    def __init__(self) -> None:
        self._packages: dict[str, _Package] = {}
        self._versions: dict[_ByAction, list[_Version]] = {}
        self._noes_of_action: dict[str, list[_No]] = {}
        self._noes_of_type: dict[_ByAction, list[_No]] = {}
        self._votes: dict[_ByAction, list[_Vote]] = {}
        self.missed: set[str] = set()

    def knows(self, package_id: str) -> bool:
        return package_id in self._packages

    def record(self, event: Event, at: datetime) -> None:
        """Record the next event of a package."""
        change, package_id = event["change"], event["decision_package_id"]
        package = self._packages.get(package_id)
        if package is None:
            package = _Package(package_id, normalize_name(event["action_type"]), at)
            self._packages[package_id] = package
        package.follow(change, at)
        self._follow_version(package, event, at)
        for no in change.get("noes", ()):
            self._follow_no(package, No.model_validate(no))
        if event["event_type"] == EventType.HUMAN_DECISION_RECORDED and event["decision"] in APPROVING:
            proposer = package.version.agent_id if package.version else package.agent_id
            self._votes.setdefault((proposer, package.action_type), []).append(_Vote(package, at))

    def _follow_version(self, package: _Package, event: Event, at: datetime) -> None:
        number, level = event["package_version"], HITLLevel(event["hitl_level"])
        if package.version is None or package.version.number != number:
            package.version = _Version(package, number, package.agent_id, at, level)
            self._versions.setdefault((package.agent_id, event["action_digest"]), []).append(package.version)
        package.version.level = level

    def _follow_no(self, package: _Package, no: No) -> None:
        known = package.noes.get(no.event_id)
        if known is not None:
            known.settled = no.settled
            return
        remembered = RememberedNo(no.model_copy(update={"settled": False}), package.agent_id, package.subject_digest)
        entry = package.noes[no.event_id] = _No(package, remembered, no.settled)
        self._noes_of_action.setdefault(no.action_digest, []).append(entry)
        self._noes_of_type.setdefault((package.agent_id, package.action_type), []).append(entry)

    def forget(self, before: datetime) -> None:
        """Forget the packages that had no event since."""
        self._packages = {name: package for name, package in self._packages.items() if package.updated_at >= before}
        self._versions = dict(self._remaining(self._versions))
        self._noes_of_action = dict(self._remaining(self._noes_of_action))
        self._noes_of_type = dict(self._remaining(self._noes_of_type))
        self._votes = dict(self._remaining(self._votes))

    def _remaining(self, entries: dict[Any, list[_Entry]]) -> Iterator[tuple[Any, list[_Entry]]]:
        for key, listed in entries.items():
            if kept := [entry for entry in listed if entry.package.package_id in self._packages]:
                yield key, kept

    def levels(self, agent_id: str, digest: str, since: datetime) -> tuple[HITLLevel, ...]:
        versions = self._versions.get((agent_id, digest), ())
        latest = sorted(
            (version for version in versions if version.package.updated_at > since),
            key=lambda version: version.created_at,
            reverse=True,
        )
        return tuple(version.level for version in latest[:MAX_BEFORE])

    def noes(self, agent_id: str, action_type: str, digest: str, since: datetime) -> tuple[RememberedNo, ...]:
        """Those about the same action first, so that the limit never cuts them off."""
        same, similar = self._noes_of_action.get(digest, []), self._noes_of_type.get((agent_id, action_type), [])
        others = (entry for entry in similar if entry.no.no.action_digest != digest)
        listed = [*_latest_first(same, since), *_latest_first(others, since)]
        return tuple(entry.no for entry in listed[:MAX_BEFORE])

    def last_approved_at(self, agent_id: str, action_type: str, since: datetime) -> datetime | None:
        votes = self._votes.get((agent_id, action_type), ())
        approving = [vote for vote in votes if vote.at > since and vote.package.status in _APPROVED]
        approving.sort(key=lambda vote: vote.at, reverse=True)
        packages = (vote.package for vote in approving[:MAX_APPROVALS])
        moments = (approved_by_people_at(package.status, package.decision) for package in packages)
        return max((moment for moment in moments if moment), default=None)


def _latest_first(entries: Iterable[_No], since: datetime) -> list[_No]:
    in_force = (entry for entry in entries if entry.no.no.at > since and not entry.settled)
    return sorted(in_force, key=lambda entry: entry.no.no.at, reverse=True)


class AsOf:
    """The history, asked about one action at one time, for `rules.state.situation.recall`."""

    def __init__(self, history: History, state: PackageState, windows: Windows) -> None:
        self._history, self._type, self._digest = history, normalize_name(state.action_type), state.action_digest
        now = state.created_at
        self._levels_since = now - max(windows.rejection, windows.same_digest)
        self._noes_since = now - windows.rejection

    def before(self, agent_id: str) -> Before:
        history, digest = self._history, self._digest
        return Before(
            history.levels(agent_id, digest, self._levels_since),
            history.noes(agent_id, self._type, digest, self._noes_since),
        )

    def last_approved_at(self, agent_id: str, since: datetime) -> datetime | None:
        return self._history.last_approved_at(agent_id, self._type, since)
