"""A record for the tests of verification: a few packages with their events, as the store keeps them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

from rules.record.chain import Event, package_event, seal_event, tenant_event
from rules.record.evidence import Claim, Fault, StoredRendering, StoredWords, Trail
from rules.record.verify import Auditor
from rules.state import agent_commands, commands, service_commands
from rules.state.events import TenantEventType
from rules.state.model import PackageState
from rules.state.transition import Transition
from tests.rules.world import (
    AGENT,
    CRITICAL,
    DORA,
    HARD,
    NOW,
    RITA,
    ROSE,
    SENTA,
    SOFT,
    SUSI,
    ask,
    card_shown,
    package,
    submission,
    transition_of,
)

SALT = "5a17"


class Record(NamedTuple):
    """Everything that is stored for one tenant."""

    own: list[Any]
    claim: Claim
    trails: list[Trail]


def faults_of(record: Record, tenant_id: str = "T1") -> list[Fault]:
    return list(find_faults(record, Auditor(tenant_id)))


def find_faults(record: Record, auditor: Auditor) -> Iterator[Fault]:
    for event in record.own:
        yield from auditor.check_tenant_event(event)
    yield from auditor.check_tenant_end(record.claim)
    for trail in record.trails:
        yield from auditor.check_package(trail)


def sentences(record: Record) -> list[str]:
    return [str(fault) for fault in faults_of(record)]


class Life:
    """Applies commands to a package and stores the events as the store does."""

    def __init__(self, package_id: str, content: Any) -> None:
        self.trail = Trail(package_id)
        self.state: PackageState | None = None
        self._keep(transition_of(None, submission(content, package_id), by=AGENT.actor))

    def then(self, kind: type[commands.Command], by: Any = None, **fields: Any) -> Life:
        assert self.state is not None
        bearing = {name: fields.pop(name) for name in ("now",) if name in fields}
        command = ask(kind, self.state, **fields)
        shown = StoredRendering(*card_shown(self.state.decision_package_id))
        if getattr(command, "rendering_id", None) == shown.rendering_id and shown not in self.trail.renderings:
            self.trail.renderings.append(shown)
        self._keep(transition_of(self.state, command, **({"by": by} if by else {}), **bearing))
        return self

    def _keep(self, moved: Transition) -> None:
        before = moved.before
        for occurrence in moved.occurrences:
            head = self.trail.events[-1]["digest"] if self.trail.events else None
            event = seal_event(package_event(occurrence, before, SALT), head)
            self.trail.events.append(json.loads(json.dumps(event)))
            if occurrence.words:
                self.trail.contents.append(
                    StoredWords(event["event_id"], SALT, json.loads(json.dumps(occurrence.words)))
                )
            before = occurrence.after
            self.state = occurrence.after
        assert self.state is not None
        last = self.trail.events[-1]
        self.trail.claim = Claim(last["revision"], last["digest"], json.loads(self.state.model_dump_json()))


def own_events(count: int = 3) -> list[Any]:
    events: list[Any] = []
    for number in range(1, count + 1):
        body = tenant_event(
            event_id=f"evt_own{number}",
            event_type=TenantEventType.AGENT_ADDED,
            tenant_id="T1",
            actor="operator",
            now=NOW,
            sequence=number,
            agent_id=f"agt_{number}",
        )
        events.append(seal_event(body, events[-1]["digest"] if events else None))
    return events


@cache
def original() -> Record:
    approved = Life("pkg_a", HARD).then(commands.Comment, SENTA).then(commands.Approve, SENTA)
    approved.then(agent_commands.ClaimExecution, AGENT.actor).then(
        agent_commands.ReportExecution, AGENT.actor, detail="done"
    )
    shown = Life("pkg_b", SOFT).then(service_commands.Show).then(commands.OpenDetails, RITA).then(commands.Object, RITA)
    revised = (
        Life("pkg_c", HARD).then(commands.Revise, SENTA).then(agent_commands.NewVersion, AGENT.actor, package=HARD)
    )
    revised.then(commands.Defer, SENTA).then(commands.Wake, SENTA).then(commands.Escalate, SENTA)
    revised.then(commands.Reject, SUSI)
    quorum = Life("pkg_d", CRITICAL).then(commands.OpenDetails, SUSI).then(commands.OpenDetails, DORA)
    quorum.then(commands.Approve, SUSI).then(commands.Approve, DORA).then(commands.Revoke, DORA)
    withdrawn = Life("pkg_e", package(risk_level="high", metadata={"n": 1})).then(commands.Withdraw, ROSE)
    own = own_events()
    trails = [life.trail for life in (approved, shown, revised, quorum, withdrawn)]
    return Record(own, Claim(len(own), own[-1]["digest"]), trails)


def reseal(trail: Trail, since: int = 0) -> None:
    """Reseal the chain and change the row, as a forger with full access would."""
    for at in range(since, len(trail.events)):
        head = trail.events[at - 1]["digest"] if at else None
        body = {name: value for name, value in trail.events[at].items() if name not in ("digest", "previous")}
        trail.events[at] = seal_event(body, head)
    last = trail.events[-1]
    trail.claim = Claim(last["revision"], last["digest"], trail.claim.state if trail.claim else None)


def fold_events(events: list[Event]) -> dict[str, Any]:
    """The state that the events of one package add up to."""
    state: dict[str, Any] = {}
    for event in events:
        state |= event["change"]
    return state
