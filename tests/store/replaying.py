"""Weeks of random traffic in which policies change, with what the service would have decided under other policies."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from random import Random
from typing import Any, NamedTuple

from sqlalchemy import Connection
from sqlalchemy.engine import make_url

from rules.oversight.replay import PolicyAnswer
from rules.package.model import DecisionPackage
from rules.people.agent_keys import KeyScope
from rules.people.directory import Agent, Roster
from rules.policy.model import Policy
from rules.reasons import Reason, Refusal
from rules.scales import RiskLevel
from rules.state.agent_commands import ClaimExecution, NewVersion, ReportExecution
from rules.state.commands import (
    Approve,
    ApproveWithEdits,
    HumanOverrideCommand,
    Judge,
    Object,
    OpenDetails,
    Reject,
    Revise,
    Revoke,
    TakeOver,
    Withdraw,
)
from rules.state.model import PackageState
from rules.state.service_commands import Consent, LoseTrack
from rules.threads.commands import AcceptHandoff, OfferHandoff
from rules.verbs.decide import decide
from rules.verbs.submission import Submit
from store.agents import agent_admin
from store.audit.policy_replay import Step, Trial, replay_steps
from store.audit.reader import snapshot
from store.commands.invocation import Invocation
from store.commands.policies import PolicyFile, activate_policy
from store.commands.situation import load_situation
from store.engine.engines import make_engine
from store.installation.installation import Installation
from store.threads.thread_store import ThreadStore
from tests.rules.world import (
    DAY,
    DORA,
    HOUR,
    MINUTE,
    RITA,
    ROSE,
    ROSS,
    SAUL,
    SENTA,
    SUSI,
    SVEN,
    ask,
    package,
    policy,
    policy_text,
)
from tests.store.world import NO_LIMITS, Clock, World, fresh, submission

BASE: dict[str, Any] = {
    "directory": {"max_age": "1000d", "outsiders": ["partner.test"]},
    "soft": {"sample": 1.0},
    "separation": {"second_pair_of_eyes": False},
    "autonomy": {"promote_after_successes": 2},
}
LENIENT = {"level": "full_auto", "needs": []}
POLICIES = [
    policy(**BASE),
    policy(**BASE, version="laxer", tiers={"medium": LENIENT, "high": {"role": "reviewer", "needs": []}}),
    policy(**BASE, version="stricter", tiers={"low": {"level": "soft_approval"}, "medium": {"quorum": 2}}),
    policy(**BASE | {"soft": {"enabled": False}}, version="loud", windows={"rejection": "3d", "same_digest": "1h"}),
    policy(**BASE, version="fearful", matrix={"failures": 1, "failure_window": "3d"}, confidence={"soft_below": 0.99}),
    policy(**BASE | {"autonomy": {"promote_after_successes": 1}}, version="quick", windows={"rejection": "10m"}),
    policy(**BASE, version="needy", tiers={"high": {"needs": ["policy_basis"]}}, kinds={"action": "hard_approval"}),
    policy(**BASE, version="grave", actions={"record.read": {"reversibility": "irreversible_high", "risk": "high"}}),
    policy(**BASE | {"directory": {"max_age": "1000d"}}, version="inside"),
]
_VERDICTS: list[Any] = [
    *[Approve] * 6, Reject, Reject, Object, Revise, TakeOver, Revoke, HumanOverrideCommand, ApproveWithEdits,
]  # fmt: skip
# The directory of that time and the speed of an agent are not replayed.
BY_PEOPLE = (Reason.NO_ELIGIBLE_REVIEWER, Reason.DIRECTORY_STALE, Reason.RATE_LIMITED)


class RunningClock(Clock):
    """As in production, no two commands have the same time."""

    def __call__(self) -> Any:
        self.now += timedelta(microseconds=1)
        return self.now


def keep_moving(world: World) -> None:
    world.clock = world.store.clock = RunningClock(world.clock.now)


class Decided(NamedTuple):
    level: str | None
    rules: tuple[str, ...]
    role: str | None
    refused: Reason | None

    @classmethod
    def by(cls, answer: PolicyAnswer) -> Decided:
        state = answer.state
        if state is None:
            return cls(None, (), None, answer.refused)
        return cls(state.level.value, tuple(why.rule for why in state.why), state.terms.role, None)


def decide_under(connection: Connection, world: World, other: Policy, command: Submit, agent: Agent) -> Decided:
    """What the service would decide if this policy were in force now. Nothing is written."""
    invocation = Invocation(command=command, now=world.clock.now, actor=agent.actor, agent_id=agent.agent_id)
    roster = Roster(other, world.store.installation.roster(connection).directory)
    situation = load_situation(connection, Installation(world.tenant_id, other), invocation, None, roster)
    outcome = decide(None, command, situation)
    answer = (
        PolicyAnswer(refused=outcome.reason)
        if isinstance(outcome, Refusal)
        else PolicyAnswer(outcome.occurrences[0].after)
    )
    return Decided.by(answer)


def replays_under(world: World, other: Policy, days: int = 900) -> list[Step]:
    engine = make_engine(make_url(world.url))
    with snapshot(engine) as connection:
        trial = Trial(other, world.clock.now - days * DAY, world.clock.now, clicks_provable=True)
        steps = [step for step in replay_steps(connection, world.tenant_id, trial) if step.replay]
    engine.dispose()
    return steps


class Traffic:
    """Before each submission, the production code says what each policy would decide."""

    def __init__(self, world: World, seed: int) -> None:
        self.world, self.chance = world, Random(seed)
        self.agents: list[Agent] = [world.agent]
        self.packages: list[str] = []
        self.expected: dict[str, dict[str, Decided]] = {}

    async def go_on(self, steps: int) -> None:
        keep_moving(self.world)
        self.agents += [await self.world.hire(name) for name in ("Second", "Third")]
        acts: list[Callable[[], Awaitable[object]]] = [
            *[self._submit] * 9, *[self._people_decide] * 6, *[self._carry_out] * 5, self._answer, self._look_again,
            self._time_passes, self._time_passes, self._apply_a_policy, self._change_a_key, self._hand_over,
        ]  # fmt: skip
        for _ in range(steps):
            await self.chance.choice(acts)()

    def _proposal(self) -> DecisionPackage:
        choose = self.chance.choice
        record, thread = choose(["41", "42", "43", "44", "45"]), choose(["thr_1", "thr_2", "thr_3", None])
        fields: dict[str, Any] = {
            "action_type": choose(["record.read", "record.read", "Record.Read", "record.update", "mail.send"]),
            "risk_level": choose(["low", "medium", "medium", "high", "critical"]),
            "confidence": choose([0.95, 0.95, 0.95, 0.7, 0.6]),
            "requested_by": choose([ROSE, ROSE, "someone@partner.test", None]),
            "on_behalf_of": choose([(), (), (), ("someone@partner.test",), (SENTA,), (SUSI, SAUL)]),
            "subject_id": choose([None, "s1", "s2"]),
            "policy_basis": choose([["P-1"], ["P-1"], []]),
            "material_change": choose([None, None, "Another amount."]),
        }
        return package(action_parameters={"record": record}, thread_id=thread, **fields)

    async def _submit(self) -> None:
        command, agent = submission(self._proposal()), self.chance.choice(self.agents)
        self.world.clock()

        def under_all(connection: Connection) -> dict[str, Decided]:
            return {other.version: decide_under(connection, self.world, other, command, agent) for other in POLICIES}

        expected = await self.world.read(under_all)
        answered = await self.world.execute_for_agent(command, agent)
        if answered.refusal is None:
            self.packages.append(command.decision_package_id)
            self.expected[command.decision_package_id] = expected

    async def _some(self) -> PackageState | None:
        """A package, mostly a recent one."""
        if not self.packages:
            return None
        recent = self.chance.choice([self.packages[-4:], self.packages[-12:], self.packages])
        return await self.world.state(self.chance.choice(recent))

    async def _people_decide(self) -> None:
        if (state := await self._some()) is None:
            return
        kind: Any = self.chance.choice(_VERDICTS)
        people = self.chance.sample([RITA, ROSS, SENTA, SVEN, SUSI, SAUL, DORA], 4)
        for who in people:
            await self.world.do(ask(OpenDetails, state), who)
            await self.world.do(ask(kind, state), who)

    async def _carry_out(self) -> None:
        if (state := await self._some()) is None:
            return
        agent = next(agent for agent in self.agents if agent.agent_id == state.agent_id)
        await self.world.execute_for_agent(ask(ClaimExecution, state), agent)
        if self.chance.random() < 0.2:
            self.world.clock.passes(2 * HOUR)
            await self.world.do(ask(LoseTrack, state))
            return
        outcome = self.chance.choice(["succeeded", "succeeded", "succeeded", "failed", "rolled_back"])
        await self.world.execute_for_agent(ask(ReportExecution, state, outcome=outcome), agent)

    async def _answer(self) -> None:
        if (state := await self._some()) is None:
            return
        agent = next(agent for agent in self.agents if agent.agent_id == state.agent_id)
        kind: Any = self.chance.choice([NewVersion, Withdraw])
        fields = {"package": self._proposal()} if kind is NewVersion else {}
        await self.world.execute_for_agent(ask(kind, state, **fields), agent)

    async def _look_again(self) -> None:
        if state := await self._some():
            await self.world.do(ask(Judge, state, verdict=self.chance.choice(["sound", "unsound"])), DORA)

    async def _time_passes(self) -> None:
        self.world.clock.passes(self.chance.choice([MINUTE, 10 * MINUTE, HOUR, 7 * HOUR, 25 * HOUR]))
        if state := await self._some():
            await self.world.do(ask(Consent, state))

    async def _apply_a_policy(self) -> None:
        other, now = self.chance.choice(POLICIES), self.world.clock()
        file = PolicyFile(other, policy_text(other))
        await self.world.write(lambda connection: activate_policy(connection, file, now, again=True))

    async def _change_a_key(self) -> None:
        agent, now = self.chance.choice(self.agents), self.world.clock()
        scope = KeyScope(max_risk=self.chance.choice([RiskLevel.MEDIUM, *[RiskLevel.CRITICAL] * 3]))
        await self.world.write(
            lambda connection: agent_admin.set_allowed(connection, agent.name, scope, NO_LIMITS, now)
        )

    async def _hand_over(self) -> None:
        giver, taker = self.chance.sample(self.agents, 2)
        await self.hand_over(giver, taker, self.chance.choice(["thr_1", "thr_2"]))

    async def hand_over(self, giver: Agent, taker: Agent, thread_id: str) -> bool:
        threads, thread = ThreadStore(self.world.store), {"command_id": fresh("thread"), "thread_id": thread_id}
        offer = OfferHandoff.model_validate(thread | {"to_agent": taker.name, "reason": "Go on."})
        outcome = await threads.execute(offer, giver.actor, agent=giver)
        if outcome.state is None or outcome.state.offered is None:
            return False
        ids = {"command_id": fresh("thread"), "handoff_id": outcome.state.offered.handoff_id}
        accept = AcceptHandoff.model_validate(thread | ids)
        return (await threads.execute(accept, taker.actor, agent=taker)).refusal is None
