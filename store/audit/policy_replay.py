"""Replays the submissions of a period under another policy, and collects how they compare with the record.

It only reads, on one snapshot, so it runs beside the service.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, NamedTuple

from pydantic import ValidationError
from sqlalchemy import Connection

from rules.oversight.aftermath import EvidenceGroup, TriedPackage
from rules.oversight.comparison import Comparison
from rules.oversight.earlier_profiles import When
from rules.oversight.history import AsOf, History
from rules.oversight.replay import Inputs, Obstacle, Replay, replay_submission
from rules.oversight.untried import untried_changes
from rules.package.model import DecisionPackage
from rules.people.lineage import Lineage
from rules.policy.model import Policy
from rules.record.chain import Event
from rules.state.events import EventType
from rules.state.model import PackageState
from rules.state.transition import Words
from rules.threads.model import thread_key
from store.audit.reader import Progress, no_progress
from store.audit.staffing import Staffing
from store.audit.submissions import (
    EarlierLineages,
    EarlierScopes,
    Recorded,
    agents_of,
    altered_content,
    earlier_profiles,
    policies_since,
    policy_in_force,
    read_in_time,
    record_or_miss,
)
from store.installation.tenancy import read_tenant_id
from store.packages.content import load_words

_FORGET_EVERY = timedelta(hours=1)
_TITLES_AT_ONCE = 200


class Trial(NamedTuple):
    """The policy, and from when on packages are replayed. `clicks_provable`: whether clicks can be proven today."""

    policy: Policy
    since: datetime
    now: datetime
    clicks_provable: bool


class Step(NamedTuple):
    """An event. For a submission of the period, its replay or what prevents it, and the policy then (`old`)."""

    event: Event
    replay: Replay | Obstacle | None = None
    old: Policy | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """`titles`: of the packages that are evidence, unless retention has emptied them.

    `untried`: settings that no replay can try, and in which the policy differs from the one in force or from those of
    the packages.
    """

    comparison: Comparison
    staffing: Staffing
    titles: dict[str, str]
    untried: list[str]


def replay_policy(connection: Connection, trial: Trial, progress: Progress = no_progress) -> Result:
    """Replay the period under the trial's policy. `connection` must be a `snapshot`."""
    tenant_id = read_tenant_id(connection)
    comparison, staffing = Comparison(), Staffing(connection, tenant_id, trial.policy, trial.now)
    in_force = policy_in_force(connection, tenant_id)
    earlier_policies = {in_force.full_version: in_force} if in_force else {}
    for event, replay, old in replay_steps(connection, tenant_id, trial, progress):
        if isinstance(replay, Obstacle):
            comparison.add_obstacle(_tried(event), replay)
        elif replay and old:
            comparison.add(_tried(event), replay, old, trial.policy)
            staffing.add(replay.after.state)
        if old:
            earlier_policies[old.full_version] = old
        comparison.follow(event["decision_package_id"], event)
    untried = set[str]().union(*(untried_changes(other, trial.policy) for other in earlier_policies.values()))
    titles = _titles(connection, tenant_id, comparison)
    return Result(comparison=comparison, staffing=staffing, titles=titles, untried=sorted(untried))


def _tried(submission: Event) -> TriedPackage:
    return TriedPackage(
        submission["decision_package_id"],
        submission["event_id"],
        submission["action_type"],
        datetime.fromisoformat(submission["occurred_at"]),
    )


def replay_steps(
    connection: Connection, tenant_id: str, trial: Trial, progress: Progress = no_progress
) -> Iterator[Step]:
    """Every event since the first one that matters, in the order of time."""
    past = _Past(connection, tenant_id, trial)
    for batch in read_in_time(connection, tenant_id, past.start, past.history, progress):
        words = past.load_content(batch)
        for entry in batch:
            yield past.step(entry, words)
            past.record(entry)
        past.forget(batch[-1].when.at)


class _Past:
    """What the service knew before each event of the period.

    For each event in the order of time: `step` replays it with what came before, then `record` adds it. `forget` drops
    what is older than any window of the policies, so that a long replay does not hold the whole record.
    """

    def __init__(self, connection: Connection, tenant_id: str, trial: Trial) -> None:
        self._connection, self._tenant_id, self._trial = connection, tenant_id, trial
        self._policies = policies_since(connection, tenant_id, trial.since)
        windows = [policy.windows for policy in (trial.policy, *self._policies.values())]
        self._window = max(max(window.rejection, window.same_digest) for window in windows)
        self.start = self._forgotten_until = trial.since - self._window
        self.history = History()
        self._lineages, self._scopes = EarlierLineages(connection, tenant_id), EarlierScopes(connection, tenant_id)
        self._profiles = earlier_profiles(connection, tenant_id)
        self._altered: set[str] = set()
        self._looked_up: set[str] = set()
        self._not_understood: set[str] = set()

    def is_replayed(self, entry: Recorded) -> bool:
        return entry.event["event_type"] == EventType.PACKAGE_SUBMITTED and entry.when.at >= self._trial.since

    def load_content(self, batch: list[Recorded]) -> dict[str, Words]:
        submissions = [entry.event["event_id"] for entry in batch if self.is_replayed(entry)]
        words = load_words(self._connection, self._tenant_id, *submissions)
        missing = [event_id for event_id in submissions if event_id not in words]
        self._altered = altered_content(self._connection, self._tenant_id, missing) if missing else set()
        return words

    def record(self, entry: Recorded) -> None:
        event, package_id = entry.event if entry.readable else None, entry.event["decision_package_id"]
        record_or_miss(self.history, package_id, event, entry.when.at)

    def _is_understood(self, agent_id: str) -> bool:
        """Whether each event on which the agent's packages may depend is readable. If not, none is tried."""
        if new := self.history.missed - self._looked_up:
            self._looked_up |= new
            self._not_understood |= agents_of(self._connection, self._tenant_id, new)
        return agent_id not in self._not_understood

    def forget(self, now: datetime) -> None:
        """Forget what no window reaches, but not after each batch, because that looks at everything."""
        before = now - self._window
        if before - self._forgotten_until > max(_FORGET_EVERY, self._window / 4):
            self.history.forget(before)
            self._forgotten_until = before

    def step(self, entry: Recorded, words: Mapping[str, Words]) -> Step:
        if not self.is_replayed(entry):
            return Step(entry.event)
        if not entry.readable:
            return Step(entry.event, Obstacle.UNREADABLE)
        event_id, old = entry.event["event_id"], self._policies.get(entry.event["policy_version"])
        content: Any = words.get(event_id, {}).get("package")
        if content is None:
            return Step(entry.event, Obstacle.ALTERED if event_id in self._altered else Obstacle.EMPTIED, old)
        return Step(entry.event, self._replay(entry, content, old) if old else Obstacle.POLICY, old)

    def _replay(self, entry: Recorded, content: Any, old: Policy) -> Replay | Obstacle:
        try:
            inputs = self._inputs(entry, content)
        except ValidationError:
            return Obstacle.UNREADABLE
        if not self._is_understood(inputs.recorded.agent_id):
            return Obstacle.UNREADABLE
        return replay_submission(inputs, old, self._trial.policy, clicks_provable=self._trial.clicks_provable)

    def _inputs(self, entry: Recorded, content: Any) -> Inputs:
        recorded = PackageState.model_validate(entry.event["change"])
        return Inputs(
            recorded=recorded,
            package=DecisionPackage.model_validate(content),
            scope=self._scopes.at(recorded.agent_id, entry.when.at),
            lineage=self._lineage(recorded, entry.when),
            profile=lambda agent_id, policy: self._profiles.at(agent_id, recorded.action_type, entry.when, policy),
            recollect=partial(AsOf, self.history, recorded),
        )

    def _lineage(self, recorded: PackageState, when: When) -> Lineage | None:
        lineage = self._lineages.at(thread_key(recorded.thread_id), when) if recorded.thread_id else None
        return lineage.inherited_by(recorded.agent_id) if lineage else None


def _titles(connection: Connection, tenant_id: str, comparison: Comparison) -> dict[str, str]:
    titles: dict[str, str] = {}
    evidence = [package for group in EvidenceGroup for package in comparison.evidence(group)]
    for first in range(0, len(evidence), _TITLES_AT_ONCE):
        batch = evidence[first : first + _TITLES_AT_ONCE]
        words = load_words(connection, tenant_id, *(package.event_id for package in batch))
        for package in batch:
            content: Any = words.get(package.event_id, {}).get("package")
            if content:
                titles[package.decision_package_id] = str(content["title"])
    return titles
