"""A policy is replayed on the record: under the policy of that time it gives exactly what the record says."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from rules.oversight.aftermath import Ending, EvidenceGroup, Trace
from rules.oversight.asking import Involvement, Shift
from rules.oversight.comparison import Comparison
from rules.oversight.replay import Obstacle, Replay
from rules.package.model import DecisionPackage
from rules.people.directory import AgentStanding
from rules.policy.model import Policy
from rules.scales import HITLLevel
from rules.state.commands import Approve, HumanOverrideCommand, Object, Reject, Withdraw
from rules.state.model import PackageState
from store.agents import agent_admin
from store.audit import retention
from store.audit.policy_replay import Result, Trial, replay_policy, replay_steps
from store.audit.reader import snapshot
from store.commands.policies import PolicyFile, activate_policy
from store.engine.engines import make_engine
from tests.rules.world import DAY, HOUR, MINUTE, RITA, ROSE, SENTA, ask, package, policy, policy_text
from tests.store.audit_record import tamper
from tests.store.oversight.history import live_through, unrelated
from tests.store.oversight.test_statistics import BUSY
from tests.store.replaying import BY_PEOPLE, POLICIES, Decided, Traffic, keep_moving, replays_under
from tests.store.world import LASTING, POLICY, World, open_world

SPARING = policy(**LASTING, version="sparing", tiers={"medium": {"level": "notify_only"}})


@pytest.fixture
async def busy(database_url: str) -> AsyncIterator[World]:
    async with open_world(database_url, BUSY) as world:
        keep_moving(world)
        await live_through(world)
        yield world


def replay(world: World, other: Policy, days: float = 90, **fields: Any) -> Result:
    engine = make_engine(make_url(world.url))
    now = world.clock.now
    trial = Trial(other, now - days * DAY, now, clicks_provable=fields.get("clicks_provable", True))
    with snapshot(engine) as connection:
        result = replay_policy(connection, trial)
    engine.dispose()
    return result


def compare(world: World, other: Policy, days: float = 90, **fields: Any) -> Comparison:
    return replay(world, other, days, **fields).comparison


def obstacles(comparison: Comparison) -> dict[Obstacle, int]:
    return dict(comparison.total.obstacles)


async def test_under_the_policy_of_that_time_nothing_changes(busy: World) -> None:
    total = compare(busy, BUSY).total
    assert obstacles(compare(busy, BUSY)) == {}
    assert total.shifts == {Shift.SAME: total.packages}
    assert total.then == total.new
    assert {Involvement.ASKED, Involvement.SOFT, Involvement.SPARED} == set(total.then)


async def test_each_package_counts_once_whatever_came_later(busy: World) -> None:
    submitted = await busy.read(
        lambda connection: connection.execute(text("SELECT count(*) FROM packages")).scalar_one()
    )
    assert compare(busy, BUSY).total.packages == compare(busy, BUSY).total.replayed == submitted


# The rules decide what a replay says, and the database only keeps what it reads, so each traffic goes through one of them.
@pytest.mark.slow
@pytest.mark.parametrize(
    ("database_url", "seed"), [("sqlite", 0), ("sqlite", 1), ("postgresql", 2)], indirect=["database_url"]
)
async def test_a_replay_says_what_the_service_would_have_decided_under_any_policy(database_url: str, seed: int) -> None:
    async with open_world(database_url, POLICIES[0]) as world:
        traffic = Traffic(world, seed)
        await traffic.go_on(300)
        steps = [(other.version, step) for other in POLICIES for step in replays_under(world, other)]
    assert {step.event["decision_package_id"] for _, step in steps} == set(traffic.expected)
    known = [(version, step.event["decision_package_id"], step.replay) for version, step in steps]
    unknown = {outcome for _, _, outcome in known if isinstance(outcome, Obstacle)}
    assert unknown <= {Obstacle.PEOPLE, Obstacle.AUTONOMY}
    exact = [
        (traffic.expected[package_id][version], Decided.by(outcome.after))
        for version, package_id, outcome in known
        if isinstance(outcome, Replay) and traffic.expected[package_id][version].refused not in BY_PEOPLE
    ]
    assert len(exact) > len(known) / 2
    assert [pair for pair in exact if pair[0] != pair[1]] == []


async def test_autonomy_that_was_earned_before_the_period_is_known_in_it(database_url: str) -> None:
    earning = policy(**LASTING | {"autonomy": {"promote_after_successes": 2}})
    async with open_world(database_url, earning) as world:
        keep_moving(world)
        for _ in range(2):
            await world.claim(state := await world.submit_and_approve(unrelated(), by=RITA))
            await world.report(state)
        world.clock.passes(100 * DAY)
        eased = await world.submit(unrelated())
        assert eased.level is HITLLevel.NOTIFY_ONLY
        comparison = compare(world, earning, days=30)
    assert (obstacles(comparison), comparison.total.shifts) == ({}, {Shift.SAME: 1})


@pytest.mark.slow
async def test_a_period_that_begins_amid_the_traffic_gives_what_the_whole_gives(database_url: str) -> None:
    async with open_world(database_url, POLICIES[0]) as world:
        await Traffic(world, 3).go_on(150)
        for other in POLICIES:
            steps = replays_under(world, other)
            late = replays_under(world, other, days=2)
            assert 0 < len(late) < len(steps)
            assert [step.replay for step in late] == [step.replay for step in steps[-len(late) :]]


async def test_what_no_window_reaches_is_forgotten_and_read_again_if_something_happens_to_it(world: World) -> None:
    """An action that was carried out long after its approval counts as recent."""
    keep_moving(world)
    old = await world.submit(unrelated("high"))
    for _ in range(6):
        world.clock.passes(10 * HOUR)
        await world.submit(unrelated())
    await world.after(ask(Object, await world.submit(unrelated())), RITA)
    await world.after(ask(Approve, old), SENTA)
    again = await world.submit(await content_of(world, old))
    assert "never-falls" in {why.rule for why in again.why}
    comparison = compare(world, POLICY)
    assert (obstacles(comparison), comparison.total.shifts[Shift.SAME]) == ({}, comparison.total.packages)


async def content_of(world: World, state: PackageState) -> DecisionPackage:
    query = text("SELECT words FROM content WHERE event_id = :event")
    words = await world.read(
        lambda connection: connection.execute(query, {"event": state.version_event_id}).scalar_one()
    )
    return DecisionPackage.model_validate_json(words.removeprefix('{"package":').removesuffix("}"))


async def test_laxer_packages_that_went_wrong_or_met_a_no_are_evidence(world: World) -> None:
    keep_moving(world)
    failed = await world.submit_and_approve(unrelated(), by=RITA)
    await world.claim(failed)
    await world.report(failed, "failed")
    await world.report(failed, "rolled_back")
    rejected = await world.after(ask(Reject, await world.submit(unrelated())), RITA)
    world.clock.passes(25 * HOUR)
    sound = await world.submit_and_approve(unrelated(), by=RITA)
    grave = await world.after(ask(Reject, await world.submit(unrelated("high"))), SENTA)
    world.clock.passes(25 * HOUR)
    await world.submit(unrelated())
    result = replay(world, SPARING)
    laxer = result.comparison.evidence(EvidenceGroup.LAXER)
    assert [(package.decision_package_id, package.traces_by_gravity) for package in laxer] == [
        (failed.decision_package_id, [Trace.FAILED, Trace.ROLLED_BACK]),
        (rejected.decision_package_id, [Trace.REJECTED]),
    ]
    assert result.titles[failed.decision_package_id] == "Read the record"
    assert result.comparison.packages[sound.decision_package_id].is_laxer
    assert not result.comparison.packages[grave.decision_package_id].is_laxer
    assert result.comparison.endings == {Ending.IDLE: 1, Ending.WAITING: 1}


async def test_what_went_wrong_is_evidence_if_nobody_was_asked_then_and_nobody_is_now(database_url: str) -> None:
    async with open_world(database_url, SPARING) as world:
        keep_moving(world)
        await world.claim(state := await world.submit(unrelated()))
        await world.report(state, "failed")
        result = replay(world, SPARING)
    [unasked] = result.comparison.evidence(EvidenceGroup.UNASKED)
    assert (unasked.traces_by_gravity, result.titles) == (
        [Trace.FAILED],
        {state.decision_package_id: "Read the record"},
    )


async def test_what_went_wrong_is_counted_also_if_it_is_not_replayable(world: World) -> None:
    keep_moving(world)
    state = await world.submit_and_approve(unrelated(), by=RITA)
    await world.claim(state)
    await world.report(state, "failed")
    change(world, "UPDATE policies SET text = 'new_setting = 1'")
    [untried] = compare(world, SPARING).evidence(EvidenceGroup.UNTRIED)
    assert (untried.obstacle, untried.traces_by_gravity) == (Obstacle.POLICY, [Trace.FAILED])


async def test_an_override_that_stops_and_a_withdrawal_by_a_person_leave_a_trace(world: World) -> None:
    keep_moving(world)
    stop = ask(HumanOverrideCommand, await world.submit(unrelated()), override_decision="stop")
    await world.after(stop, RITA)
    withdrawn = await world.submit(unrelated(requested_by=ROSE))
    await world.after(ask(Withdraw, withdrawn), ROSE)
    laxer = compare(world, SPARING).evidence(EvidenceGroup.LAXER)
    assert [package.traces_by_gravity for package in laxer] == [[Trace.STOPPED], [Trace.STOPPED]]


async def test_a_package_that_the_service_revoked_by_itself_is_no_evidence(world: World) -> None:
    keep_moving(world)
    state = await world.submit_and_approve(unrelated(), by=RITA)
    sacked = policy(**LASTING, version="sacked", roles={"reviewer": {"members": []}})
    await apply(world, sacked)
    assert (await world.claim(state)).refusal is not None
    assert compare(world, SPARING).evidence(EvidenceGroup.LAXER) == []


async def apply(world: World, other: Policy) -> None:
    file = PolicyFile(other, policy_text(other))
    await world.write(lambda connection: activate_policy(connection, file, world.clock(), again=True))


async def test_emptied_packages_are_counted_and_not_replayed(world: World) -> None:
    keep_moving(world)
    await world.after(ask(Reject, await world.submit(unrelated())), RITA)
    world.clock.passes(2 * DAY)
    await world.submit(unrelated())
    before = world.clock.now - DAY
    await world.write(lambda connection: retention.empty_content(connection, world.tenant_id, before, 10))
    comparison = compare(world, SPARING)
    assert (comparison.total.packages, comparison.total.replayed) == (2, 1)
    assert obstacles(comparison) == {Obstacle.EMPTIED: 1}


async def test_the_memory_of_an_emptied_package_still_counts(world: World) -> None:
    keep_moving(world)
    await world.after(ask(Reject, await world.submit(unrelated())), RITA)
    after = await world.submit(unrelated())
    now = world.clock.now
    await world.write(lambda connection: retention.empty_content(connection, world.tenant_id, now, 10))
    assert "earlier-no" in {why.rule for why in after.why}
    comparison = compare(world, SPARING)
    assert obstacles(comparison) == {Obstacle.EMPTIED: 1}
    assert comparison.total.new == {Involvement.ASKED: 1}


def change(world: World, statement: str) -> None:
    engine = make_engine(make_url(world.url))
    assert tamper(engine, statement) > 0
    engine.dispose()


async def test_altered_content_is_not_replayed(world: World) -> None:
    await world.submit(unrelated())
    change(world, "UPDATE content SET words = replace(words, 'medium', 'high')")
    assert obstacles(compare(world, SPARING)) == {Obstacle.ALTERED: 1}


async def test_an_event_that_cannot_be_read_is_an_obstacle_for_its_package_and_its_agent(world: World) -> None:
    keep_moving(world)
    before = await world.submit(unrelated())
    broken = await world.submit(unrelated())
    await world.submit(unrelated())
    other = await world.submit(unrelated(), await world.hire("Second"))
    change(world, f"UPDATE events SET body = '{{}}' WHERE package_id = '{broken.decision_package_id}'")
    comparison = compare(world, SPARING)
    assert obstacles(comparison) == {Obstacle.UNREADABLE: 2}
    replayed = [package.decision_package_id for package in comparison.packages.values() if package.shift]
    assert replayed == [before.decision_package_id, other.decision_package_id]


async def test_a_change_of_autonomy_that_cannot_be_read_is_an_obstacle_for_its_agent_and_type(
    database_url: str,
) -> None:
    earning = policy(**LASTING | {"autonomy": {"promote_after_successes": 2}})
    async with open_world(database_url, earning) as world:
        keep_moving(world)
        for _ in range(2):
            await world.claim(state := await world.submit_and_approve(unrelated(), by=RITA))
            await world.report(state)
        await world.submit(unrelated())
        statement = "UPDATE events SET body = replace(body, 'soft_approval to', 'something to')"
        change(world, f"{statement} WHERE event_type = 'autonomy.changed'")
        comparison = compare(world, earning)
    assert (obstacles(comparison), comparison.total.replayed) == ({Obstacle.AUTONOMY: 2}, 1)


async def test_progress_ends_at_its_total_although_threads_have_events_too(world: World) -> None:
    traffic = Traffic(world, 7)
    await traffic.go_on(0)
    giver, taker, _ = traffic.agents
    await world.submit(package(thread_id="thr_1"), giver)
    assert await traffic.hand_over(giver, taker, "thr_1")
    engine, calls = make_engine(make_url(world.url)), list[tuple[int, int]]()
    with snapshot(engine) as connection:
        trial = Trial(SPARING, world.clock.now - DAY, world.clock.now, clicks_provable=True)
        replay_policy(connection, trial, lambda done, total: calls.append((done, total)))
    engine.dispose()
    assert calls[-1][0] == calls[-1][1]


async def test_only_windows_of_policies_in_force_in_the_period_are_read_back(world: World) -> None:
    """A policy of long ago with a long window does not make each replay read the whole record."""
    keep_moving(world)
    await apply(world, policy(**LASTING, version="long", windows={"rejection": "300d"}))
    await world.submit(unrelated())
    await apply(world, POLICY)
    world.clock.passes(100 * DAY)
    await world.submit(unrelated())
    engine = make_engine(make_url(world.url))
    with snapshot(engine) as connection:
        trial = Trial(SPARING, world.clock.now - 30 * DAY, world.clock.now, clicks_provable=True)
        steps = list(replay_steps(connection, world.tenant_id, trial))
    engine.dispose()
    assert len({step.event["decision_package_id"] for step in steps}) == 1


async def test_a_record_that_the_rules_do_not_give_is_not_replayed(world: World) -> None:
    await world.submit(unrelated("high"))
    change(world, "UPDATE events SET body = replace(body, 'risk-high', 'risk-medium')")
    comparison = compare(world, SPARING)
    assert (obstacles(comparison), comparison.total.replayed) == ({Obstacle.DIFFERS: 1}, 0)


async def test_without_a_readable_text_of_the_policy_of_that_time_nothing_is_replayed(world: World) -> None:
    await world.submit(unrelated())
    change(world, "UPDATE policies SET text = 'new_setting = 1'")
    assert obstacles(compare(world, SPARING)) == {Obstacle.POLICY: 1}


async def test_another_start_of_autonomy_is_exact_only_while_the_agent_had_earned_nothing(world: World) -> None:
    keep_moving(world)
    wary = policy(**LASTING, version="wary", autonomy={"start": "hard_approval"})
    state = await world.submit_and_approve(unrelated(), by=RITA)
    assert compare(world, wary).moves.total() == 1
    await world.claim(state)
    await world.report(state)
    await world.submit(unrelated())
    assert obstacles(compare(world, wary)) == {Obstacle.AUTONOMY: 2}
    assert obstacles(compare(world, SPARING)) == {}


async def test_a_chain_that_leaves_few_people_is_replayed_if_the_same_people_are_asked(world: World) -> None:
    senior = policy(
        **LASTING, version="senior", tiers={"medium": {"role": "senior_reviewer", "level": "hard_approval"}}
    )
    few = policy(**LASTING, version="few", soft={"enabled": False})
    chained = package(on_behalf_of=[RITA], thread_id=None)
    await world.submit(chained)
    assert obstacles(compare(world, few)) == {}
    assert obstacles(compare(world, senior)) == {Obstacle.PEOPLE: 1}
    assert obstacles(compare(world, SPARING)) == {}


async def test_a_chain_does_not_depend_on_roles_that_the_package_does_not_ask(world: World) -> None:
    legal = policy(**LASTING, version="legal", roles={"legal": {"members": [SENTA], "max_risk": "critical"}})
    wider = policy(**LASTING, version="wider", roles={"reviewer": {"members": [RITA], "max_risk": "medium"}})
    await world.submit(package(on_behalf_of=[RITA], thread_id=None))
    assert obstacles(compare(world, legal)) == {}
    assert obstacles(compare(world, wider)) == {Obstacle.PEOPLE: 1}


async def test_packages_of_a_revoked_agent_are_replayed(world: World) -> None:
    await world.submit(unrelated())
    await world.write(
        lambda connection: agent_admin.set_standing(connection, "Clerk", AgentStanding.REVOKED, world.clock())
    )
    assert compare(world, SPARING).total.new == {Involvement.SPARED: 1}


async def test_a_type_that_the_new_text_no_longer_lists_counts_as_irreversible(world: World) -> None:
    await world.submit(unrelated())
    fields = policy(**LASTING, version="bare").model_dump(mode="json")
    bare = Policy.model_validate(fields | {"actions": {}, "digest": ""})
    comparison = compare(world, bare)
    assert comparison.types["record.read"].new == {Involvement.ASKED: 1}
    assert comparison.total.shifts == {Shift.STRICTER: 1}


async def test_a_new_text_can_refuse(world: World) -> None:
    keep_moving(world)
    await world.after(ask(Reject, await world.submit(unrelated())), RITA)
    same = unrelated("low")
    rejected = await world.after(ask(Reject, await world.submit(unrelated("high", action_parameters={"n": 1}))), SENTA)
    world.clock.passes(2 * DAY)
    await world.submit(await content_of(world, rejected))
    await world.submit(same.model_copy(update={"policy_basis": (), "thread_id": None}))
    long = policy(**LASTING, version="long", windows={"rejection": "9d"})
    assert compare(world, long).refusals == {"already-rejected": 1}
    grave = policy(**LASTING, version="grave", actions={"record.read": {"reversibility": "reversible", "risk": "high"}})
    assert compare(world, grave).refusals == {"quality-gaps": 1}


async def test_only_packages_of_the_period_are_replayed_but_what_was_before_is_remembered(world: World) -> None:
    keep_moving(world)
    await world.after(ask(Reject, await world.submit(unrelated())), RITA)
    world.clock.passes(12 * HOUR)
    await world.submit(unrelated())
    comparison = compare(world, SPARING, days=0.25)
    assert (comparison.total.packages, obstacles(comparison)) == (1, {})
    assert comparison.total.new == {Involvement.ASKED: 1}


async def test_what_the_same_action_required_before_is_counted_apart(world: World) -> None:
    keep_moving(world)
    first = await world.submit(unrelated())
    await world.after(ask(Approve, first), RITA)
    await world.submit(await content_of(world, first))
    comparison = compare(world, SPARING)
    assert comparison.total.new == {Involvement.SPARED: 1, Involvement.SOFT: 1}
    assert comparison.held == 1


async def test_what_needs_nobody_is_not_counted_as_asked_because_of_before(database_url: str) -> None:
    async with open_world(database_url, SPARING) as world:
        keep_moving(world)
        same = unrelated()
        for _ in range(2):
            assert (await world.submit(same)).level is HITLLevel.NOTIFY_ONLY
        automatic = policy(**LASTING, version="automatic", tiers={"medium": {"level": "full_auto"}})
        assert compare(world, automatic).held == 0


async def test_what_silence_off_makes_an_approval_is_counted_as_asked_because_of_before(world: World) -> None:
    keep_moving(world)
    same = unrelated()
    for _ in range(2):
        await world.after(ask(Approve, await world.submit(same)), RITA)
    quiet = policy(**LASTING, version="quiet", tiers={"medium": {"level": "notify_only"}}, soft={"enabled": False})
    comparison = compare(world, quiet)
    assert (comparison.total.new, comparison.held) == ({Involvement.SPARED: 1, Involvement.ASKED: 1}, 1)


@pytest.mark.parametrize(("provable", "involvement"), [(True, Involvement.SOFT), (False, Involvement.ASKED)])
async def test_todays_setting_of_clicks_counts_where_that_of_the_time_is_not_known(
    world: World, *, provable: bool, involvement: Involvement
) -> None:
    await world.submit(unrelated("low"))
    softer = policy(**LASTING, version="softer", tiers={"low": {"level": "soft_approval"}})
    comparison = compare(world, softer, clicks_provable=provable)
    assert (comparison.total.new, comparison.assumed) == ({involvement: 1}, 1)


async def test_people_are_those_of_today(world: World) -> None:
    await world.submit(unrelated("high"))
    staffing = replay(world, POLICY).staffing
    assert (staffing.packages["senior_reviewer"], staffing.unstaffed) == (1, 0)
    assert SENTA in staffing.people["senior_reviewer"]
    nobody = policy(**LASTING, version="empty", roles={name: {"members": []} for name in POLICY.roles})
    unstaffed = replay(world, nobody).staffing
    assert (unstaffed.people["senior_reviewer"], unstaffed.unstaffed) == (set(), 1)


async def test_a_group_whose_members_are_not_known_is_not_nobody(world: World) -> None:
    await world.submit(unrelated("high"))
    legal = {"groups": ["S0LEGAL01"], "max_risk": "critical"}
    grouped = policy(**LASTING, version="grouped", roles={"legal": legal}, tiers={"high": {"role": "legal"}})
    staffing = replay(world, grouped).staffing
    assert (staffing.unread, staffing.unstaffed) == ({"legal"}, 0)


async def test_changed_settings_that_are_not_tried_are_named(world: World) -> None:
    await world.submit(unrelated())
    assert replay(world, SPARING).untried == []
    changes: dict[str, Any] = {"autonomy": {"promote_after_successes": 1}, "soft": {"sample": 0.0}}
    changed = policy(**LASTING | changes, version="quick", tiers={"high": {"ladder": []}})
    assert replay(world, changed).untried == ["autonomy.promote_after_successes", "soft.sample", "tiers.high.ladder"]


async def test_the_service_writes_while_a_replay_reads(world: World) -> None:
    first = await world.submit(unrelated())
    engine = make_engine(make_url(world.url))
    with snapshot(engine) as connection:
        trial = Trial(SPARING, world.clock.now - DAY, world.clock.now + DAY, clicks_provable=True)
        steps = replay_steps(connection, world.tenant_id, trial)
        begun = next(steps)
        await world.after(ask(Approve, first), RITA)
        await world.submit(unrelated("high"))
        replayed = [step.event["decision_package_id"] for step in (begun, *steps) if step.replay]
    engine.dispose()
    assert replayed == [first.decision_package_id]
    assert compare(world, SPARING).total.packages == 2


async def test_a_handed_over_thread_is_replayed_with_what_its_agents_had_before(database_url: str) -> None:
    async with open_world(database_url, POLICIES[0]) as world:
        traffic = Traffic(world, 7)
        await traffic.go_on(0)
        giver, taker, _ = traffic.agents
        content = package(thread_id="thr_1", subject_id="s1", risk_level="high")
        rejected = await world.submit(content, giver)
        await world.after(ask(Reject, rejected), SENTA)
        while not await traffic.hand_over(giver, taker, "thr_1"):
            world.clock.passes(MINUTE)
        inherited = await world.submit(package(thread_id="thr_1", subject_id="s1", action_parameters={"n": 2}), taker)
        assert "earlier-no" in {why.rule for why in inherited.why}
        [step] = [step for step in replays_under(world, SPARING) if step.event["change"]["agent_id"] == taker.agent_id]
        assert isinstance(step.replay, Replay)
        assert step.replay.after.state is not None
        assert step.replay.after.state.level is HITLLevel.HARD_APPROVAL
