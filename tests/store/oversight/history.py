"""Some weeks of reviews, in which packages take every way to their end; and a count of them by hand."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

from sqlalchemy import Connection

from rules.package.model import DecisionPackage
from rules.state.agent_commands import NewVersion
from rules.state.commands import (
    Answer,
    Approve,
    ApproveWithEdits,
    Comment,
    Defer,
    Escalate,
    HumanOverrideCommand,
    Judge,
    Object,
    OpenDetails,
    Reject,
    RequestMoreEvidence,
    Revise,
    Revoke,
    TakeOver,
    Wake,
    Withdraw,
)
from rules.state.model import PackageState
from rules.state.service_commands import Consent, EndLook, Expire
from store.audit.reader import read_trails
from store.installation.directory import begin_absence
from tests.rules.world import (
    DAY,
    DORA,
    HOUR,
    MINUTE,
    RITA,
    ROSS,
    SAUL,
    SENTA,
    SUSI,
    ask,
    package,
)
from tests.store.world import World, fresh


def unrelated(risk: str = "medium", **fields: Any) -> DecisionPackage:
    """A package that no earlier one has anything to do with."""
    name = fresh("record")
    parameters = None if fields.get("kind") == "question" else {"record": name}
    given = {"risk_level": risk, "thread_id": name, "subject_id": name, "action_parameters": parameters}
    return package(**given | fields)


async def approve_critical(world: World, state: PackageState, *people: str) -> PackageState:
    for who in people:
        await world.after(ask(OpenDetails, state), who)
    for who in people:
        state = await world.after(ask(Approve, state), who)
    return state


async def live_through(world: World) -> None:
    """Needs a policy that lets the editor's approval count, samples everything, and draws every critical approval."""
    for step in (_first_week, _second_week, _third_week, _fourth_week):
        await step(world)
        world.clock.passes(7 * DAY)


async def _first_week(world: World) -> None:
    automatic = [await world.submit(unrelated("low")) for _ in range(2)]
    await world.after(ask(Judge, automatic[0], verdict="sound"), RITA)
    for minutes in (5, 10, 20):
        approved = await world.submit(unrelated())
        world.clock.passes(minutes * MINUTE)
        await world.after(ask(OpenDetails, approved), RITA)
        world.clock.passes(MINUTE)
        await world.after(ask(Approve, approved), RITA)
    await world.after(ask(Reject, await world.submit(unrelated("high"))), SENTA)
    await world.after(ask(TakeOver, await world.submit(unrelated("high"))), SENTA)
    await world.execute_for_agent(ask(Withdraw, await world.submit(unrelated())))
    await world.submit(unrelated("high"))


async def _second_week(world: World) -> None:
    """Versions, edits and deferrals."""
    proposed = unrelated()
    revised = await world.after(ask(Revise, await world.submit(proposed)), RITA)
    revised = await _next_version(world, revised, proposed)
    revised = await world.after(ask(RequestMoreEvidence, revised), ROSS)
    world.clock.passes(HOUR)
    revised = await _next_version(world, revised, proposed)
    world.clock.passes(MINUTE)
    await world.after(ask(Approve, revised), RITA)
    edited = await world.submit(unrelated())
    await world.after(ask(ApproveWithEdits, edited, action_parameters={"record": fresh("edit")}), RITA)
    deferred = await world.after(ask(Defer, await world.submit(unrelated("high")), until=world.clock() + HOUR), SENTA)
    world.clock.passes(MINUTE)
    deferred = await world.after(ask(Wake, deferred), SENTA)
    world.clock.passes(3 * MINUTE)
    await world.after(ask(Comment, deferred), SENTA)
    world.clock.passes(2 * MINUTE)
    await world.after(ask(Approve, deferred), SENTA)
    unanswered = await world.after(ask(Revise, await world.submit(unrelated())), RITA)
    world.clock.passes(3 * DAY)
    await world.after(Expire(command_id=fresh("cmd"), decision_package_id=unanswered.decision_package_id))
    answered = await world.submit(unrelated(kind="question"))
    await world.after(ask(Answer, answered, answer="Yes."), RITA)


async def _next_version(world: World, state: PackageState, proposed: DecisionPackage) -> PackageState:
    content = proposed.model_copy(update={"action_parameters": {"record": fresh("record")}})
    answered = await world.execute_for_agent(ask(NewVersion, state, package=content))
    assert answered.refusal is None, answered.refusal.sentence
    return await world.state(state.decision_package_id)


async def _third_week(world: World) -> None:
    """Several people, the ladder, silence, uncertainty, and what came afterwards."""
    objected = await world.after(ask(Object, await world.submit(unrelated())), RITA)
    await world.after(ask(Approve, objected), SENTA)
    climbed = await world.after(ask(Escalate, await world.submit(unrelated("high"))), SENTA)
    await world.after(ask(Approve, climbed), SUSI)
    consented = await world.submit_and_show(unrelated())
    world.clock.passes(6 * MINUTE)
    await world.after(ask(Consent, consented))
    await approve_critical(world, await world.submit(unrelated("critical")), SUSI, SAUL)
    split = await world.submit(unrelated("critical"))
    await approve_critical(world, split, SUSI)
    await world.after(ask(Reject, split), SAUL)
    for verb, by in ((Approve, SENTA), (Reject, DORA)):
        await world.after(ask(verb, await world.submit(unrelated("high", confidence=0.6))), by)
    overridden = await world.after(ask(HumanOverrideCommand, await world.submit(unrelated("high"))), SENTA)
    await world.after(ask(Judge, overridden, verdict="unsound"), SUSI)
    revoked = await world.submit_and_approve(unrelated("high"), by=SENTA)
    await world.after(ask(Revoke, revoked), SUSI)
    world.clock.passes(MINUTE)
    failed = await world.submit_and_approve(unrelated("high"), by=SENTA)
    await world.claim(failed)
    await world.report(failed, "failed")
    await world.after(ask(Judge, await world.submit(unrelated("low")), verdict="unsound"), RITA)


async def _fourth_week(world: World) -> None:
    """Blind second looks: two that are given, one whose judge leaves, and one for which nobody can be asked.

    All others look at something else or are away then.
    """
    for verdict in ("unsound", "sound"):
        looked_at = await approve_critical(world, await world.submit(unrelated("critical")), SUSI, SAUL)
        assert looked_at.open_look is not None
        await world.after(ask(Judge, looked_at, verdict=verdict), looked_at.open_look.judge)
    left = await approve_critical(world, await world.submit(unrelated("critical")), SUSI, SAUL)
    assert left.open_look is not None
    judge, now = left.open_look.judge, world.clock.now
    await world.write(lambda connection: begin_absence(connection, judge, now + HOUR, None, now))
    await world.after(ask(EndLook, left))
    await approve_critical(world, await world.submit(unrelated("critical")), SUSI, SAUL)


def count_by_hand(connection: Connection, tenant_id: str) -> dict[str, tuple[int, int]]:
    """The part and the whole of each share, and of each result, counted in the events with no code of the service."""
    counts: Counter[str] = Counter()
    for trail in read_trails(connection, tenant_id):
        if trail.package_id.startswith("pkg_"):
            counts.update(_traits(trail.events))
    shares = {
        "approval": ("approved", "decided"),
        "rejection": ("rejected", "decided"),
        "override": ("overridden", "decided"),
        "revision": ("sent back", "attended"),
        "escalation": ("escalated", "attended"),
        "approval_when_uncertain": ("uncertain and approved", "uncertain and decided"),
        "disagreement": ("disagreed", "several"),
        "incidents": ("incident", "allowed"),
        "defects": ("unsound", "judged"),
    }
    return {name: (counts[part], counts[whole]) for name, (part, whole) in shares.items()}


_ENDS = {f"package.{end}" for end in ("approved", "consented", "overridden", "rejected", "taken_over")}
_ENDS |= {"package.expired", "package.cancelled"}


def _traits(events: list[Any]) -> list[str]:
    types = [event["event_type"] for event in events]
    ends = [event for event in events if event["event_type"] in _ENDS]
    if not ends:
        return []
    end = ends[0]
    verb, basis = end["decision"], end["basis"]
    by_people = basis in ("human", "quorum") and end["event_type"] != "package.cancelled"
    result = end["event_type"].removeprefix("package.") if verb != "answer" else "answered"
    traits = ["attended"] if basis != "policy" else []
    traits += ["decided", result] if by_people else []
    if any(asked in types for asked in ("package.revision_requested", "package.evidence_requested")):
        traits.append("sent back")
    traits += ["escalated"] if "package.escalated" in types else []
    state: dict[str, Any] = {}
    for event in events:
        state |= event["change"]
    doubts = [why for why in state["why"] if why["rule"] == "confidence" and why["level"] != "soft_approval"]
    traits += [f"uncertain and {trait}" for trait in ("decided", "approved") if doubts and trait in traits]
    traits += _agreement(events, state)
    if by_people and (
        result == "approved" or (result == "overridden" and state["decision"]["override_decision"] == "proceed")
    ):
        bad = {"execution.failed", "execution.rolled_back", "package.revoked"} & set(types)
        traits += ["allowed", "incident"] if bad or state["verdict"] == "unsound" else ["allowed"]
    if state["sampled"] and state["verdict"]:
        traits += ["judged", state["verdict"]]
    return traits


def _agreement(events: list[Any], state: dict[str, Any]) -> list[str]:
    votes = [event for event in events if event["event_type"] == "human.decision_recorded"]
    people: dict[int, dict[str, bool]] = {}
    for vote in votes:
        if vote["decision"] not in ("defer", "escalate", "answer"):
            agrees = vote["decision"] in ("approve", "approve_with_edits")
            people.setdefault(vote["package_version"], {})[vote["actor"]] = agrees
    several = [version for version in people.values() if len(version) > 1]
    split = any(len({*votes.values()}) > 1 for votes in several)
    if state["look"] and state["verdict"]:
        return ["several", *(["disagreed"] if split or state["verdict"] == "unsound" else [])]
    return (["several"] if several else []) + (["disagreed"] if split else [])


def count_reviewers_by_hand(connection: Connection, tenant_id: str) -> dict[str, dict[str, int]]:
    """By the people whom the event that ended a review names as its reviewers: how it ended."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for trail in read_trails(connection, tenant_id):
        ends = [event for event in trail.events if event["event_type"] in _ENDS]
        for event in ends[:1] if trail.package_id.startswith("pkg_") else ():
            result = event["event_type"].removeprefix("package.") if event["decision"] != "answer" else "answered"
            for seat in event["change"]["decision"]["reviewers"]:
                counts[seat["reviewer_id"][1:].lower()][result] += 1
    return {name: dict(results) for name, results in counts.items()}


def count_looks_by_hand(connection: Connection, tenant_id: str) -> Counter[str]:
    """How many approvals were picked for a blind second look, with and without someone to look."""
    events = (event for trail in read_trails(connection, tenant_id) for event in trail.events)
    return Counter(event["event_type"] for event in events if event["event_type"].startswith("review."))
