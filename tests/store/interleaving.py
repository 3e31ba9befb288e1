"""Random commands of people, agents and the clock at any time: early, late, repeated, on outdated states."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from random import Random
from typing import Any, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from sqlalchemy import Connection

from rules.package.model import DecisionPackage
from rules.people.directory import Actor, Agent
from rules.scales import HITLLevel, RiskLevel
from rules.state import agent_commands, commands, service_commands
from rules.state.commands import Command, Verb
from rules.state.model import PackageState
from rules.threads.commands import CancelThread, HoldThread, ResumeThread, ThreadCommand
from rules.verbs.timers import next_due
from rules.verbs.trials import accepts_verb
from scheduler.time.threads import StoppedThreads
from store.audit.reader import verify_database
from store.commands.execute import Outcome
from store.installation import tenancy
from store.packages import packages
from store.threads.execute import ThreadOutcome
from store.threads.thread_store import ThreadStore
from tests.rules import world as rules_world
from tests.rules.world import ALL, DAY, DORA, HOUR, MINUTE, RITA, ROSS, SAUL, SENTA, SILA, SUSI, SVEN, ask, package
from tests.store.soundness import faults
from tests.store.world import World, fresh, open_world, reviewer, submission

T = TypeVar("T")

WINDOW = DAY
PROCEEDS = (commands.Approve, commands.ApproveWithEdits, commands.HumanOverrideCommand, commands.Answer)
ABLE = {
    RiskLevel.LOW: {RITA, ROSS, SENTA, SVEN, SUSI, SAUL, SILA, DORA},
    RiskLevel.MEDIUM: {RITA, ROSS, SENTA, SVEN, SUSI, SAUL, SILA, DORA},
    RiskLevel.HIGH: {SENTA, SVEN, SUSI, SAUL, SILA, DORA},
    RiskLevel.CRITICAL: {SUSI, SAUL, SILA, DORA},
}
PROPOSED = (
    rules_world.AUTOMATIC,
    rules_world.SOFT,
    rules_world.SOFT,
    rules_world.HARD,
    rules_world.HARD,
    rules_world.CRITICAL,
    rules_world.TAKEOVER,
    rules_world.QUESTION,
    package(confidence=0.6),
    package(risk_level="high", material_change="Another amount."),
    package(risk_level="high", expires_at=rules_world.NOW + 2 * DAY),
)
ANYBODY = (RITA, SENTA, SUSI, DORA, rules_world.ROSE, rules_world.OWEN, rules_world.ADAM, rules_world.DEAN)
ENDS = (commands.Reject, commands.TakeOver, commands.Withdraw, commands.Revoke)
ROUTES = (
    commands.OpenDetails,
    commands.Object,
    commands.Revise,
    commands.RequestMoreEvidence,
    commands.Escalate,
    commands.Defer,
    commands.HandBack,
    commands.Recuse,
    commands.ClaimTask,
    commands.Assign,
    commands.Comment,
    commands.Extend,
    commands.Wake,
    commands.Judge,
)
# What leads on is asked for more often than what ends all.
SENSIBLE = (*PROCEEDS * 2, commands.Approve, *ROUTES, *ENDS)
BY_PEOPLE = (*PROCEEDS, *ROUTES, *ENDS)
BY_AGENTS = (
    agent_commands.Say,
    agent_commands.NewVersion,
    commands.Withdraw,
    agent_commands.ClaimExecution,
    agent_commands.ReportExecution,
)
BY_TIME: dict[Verb, type[Command]] = {
    Verb.REMIND: service_commands.Remind,
    Verb.CONSENT: service_commands.Consent,
    Verb.CLIMB: service_commands.Climb,
    Verb.EXPIRE: service_commands.Expire,
    Verb.WAKE: service_commands.WakeUp,
    Verb.LAPSE: service_commands.Lapse,
    Verb.LOSE_TRACK: service_commands.LoseTrack,
    Verb.END_LOOK: service_commands.EndLook,
}


# Hypothesis itself loves the small and the same; of the many choices within a rule we want all, evenly.
CHANCE = st.integers(0, 2**32 - 1)


def proposal(chance: Random) -> DecisionPackage:
    what = chance.choice(PROPOSED)
    record = what.action_parameters and {"record": chance.choice(["42", "43", "44", "45"])}
    thread = chance.choice(["thr_1", "thr_2", None, None, None])
    return what.model_copy(update={"action_parameters": record, "thread_id": thread})


class Interleaving(RuleBasedStateMachine):
    """Each rule is one action; after each, the invariants are checked in the database."""

    def __init__(self, fresh_url: Callable[[], str]) -> None:
        super().__init__()
        self._runner = asyncio.Runner()
        self._house: AbstractAsyncContextManager[World] = open_world(fresh_url())
        self.world = self._run(self._house.__aenter__())
        self.agents = [self.world.agent, self._run(self.world.hire("Second"))]
        self.seen: dict[str, list[PackageState]] = {}
        self.answered: list[tuple[Command, Actor, Outcome]] = []

    def teardown(self) -> None:
        assert self._run(self.world.read(lambda connection: list(verify_database(connection)))) == []
        self._run(self._house.__aexit__(None, None, None))
        self._runner.close()

    def _run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(coroutine)

    def _view(self, chance: Random) -> PackageState:
        """A current or an outdated state of a package."""
        views = self.seen[chance.choice(list(self.seen))]
        return views[-1 - chance.choice([0, 0, 0, 1, 2]) % len(views)]

    def _open(self, chance: Random) -> PackageState:
        """A current state, preferably of a package that can still change."""
        latest, now = [views[-1] for views in self.seen.values()], self.world.clock.now
        lively = [state for state in latest if not state.status.terminal or state.may_proceed(now) or state.outcome_by]
        return chance.choice(lively or latest)

    def _look(self, *package_ids: str) -> None:
        for package_id in package_ids:
            state = self._run(self.world.state(package_id))
            views = self.seen.setdefault(package_id, [])
            views += [state] if state not in views else []

    def _asked_of(self, state: PackageState, kind: type[Command], chance: Random) -> Command:
        now = self.world.clock.now
        fields: dict[type[Command], dict[str, Any]] = {
            commands.Defer: {"until": now + HOUR},
            commands.Extend: {"until": now + DAY},
            agent_commands.NewVersion: {"package": proposal(chance)},
            agent_commands.ClaimExecution: {"claim_id": chance.choice(["clm_1", "clm_1", "clm_2"])},
            agent_commands.ReportExecution: {"outcome": chance.choice(["succeeded", "succeeded", "failed"])},
        }
        return ask(kind, state, **fields.get(kind, {}))

    # ---- what happens --------------------------------------------------------------------------------------------

    @initialize(seed=CHANCE)
    def something_to_begin_with(self, seed: int) -> None:
        self.an_agent_submits(seed)

    @rule(seed=CHANCE)
    def an_agent_submits(self, seed: int) -> None:
        chance = Random(seed)
        command, agent = submission(proposal(chance)), chance.choice(self.agents)
        before = self._run(self.world.read(lambda connection: self._levels(connection, agent)))
        answered = self._run(self.world.execute_for_agent(command, agent))
        self._look(*([] if answered.refusal else [command.decision_package_id]))
        known = self.seen.get(command.decision_package_id, [])
        assert all(state.level >= before.get(state.action_digest, state.level) for state in known)

    def _levels(self, connection: Connection, agent: Agent) -> dict[str, HITLLevel]:
        """The highest level of each action of this agent within the window."""
        states, _ = packages.list_own(connection, self.world.tenant_id, agent.agent_id, limit=1000)
        fresh = [state for state in states if state.updated_at > self.world.clock.now - WINDOW]
        return {state.action_digest: state.level for state in sorted(fresh, key=lambda state: state.level)}

    @rule(seed=CHANCE)
    def somebody_who_may_does_what_fits(self, seed: int) -> None:
        chance = Random(seed)
        state = self._open(chance)
        fitting = [kind for kind in SENSIBLE if accepts_verb(state, kind.verb)]
        self._by(chance.choice(sorted(ABLE[state.risk])), state, chance.choice(fitting), chance)

    @rule(seed=CHANCE)
    def anybody_does_anything(self, seed: int) -> None:
        chance = Random(seed)
        self._by(chance.choice(ANYBODY), self._view(chance), chance.choice(BY_PEOPLE), chance)

    def _by(self, who: str, state: PackageState, kind: type[Command], chance: Random) -> None:
        command = self._asked_of(state, kind, chance)
        outcome = self._run(self.world.do(command, who))
        self.answered.append((command, reviewer(who), outcome))
        self._look(state.decision_package_id)
        let_through = isinstance(command, PROCEEDS) and outcome.refusal is None
        assert not let_through or who in ABLE[state.risk]

    @rule(seed=CHANCE)
    def two_people_at_once(self, seed: int) -> None:
        chance = Random(seed)
        state = self._open(chance)
        people = chance.sample(sorted(ABLE[state.risk]), 2)
        asked = [(self._asked_of(state, chance.choice(SENSIBLE), chance), who) for who in people]

        async def both() -> None:
            await asyncio.gather(*(self.world.do(command, who) for command, who in asked))

        self._run(both())
        self._look(state.decision_package_id)

    @rule(seed=CHANCE)
    def people_stop_or_resume_a_thread_while_others_act_in_it(self, seed: int) -> None:
        chance = Random(seed)
        state = self._open(chance)
        [agent] = [agent for agent in self.agents if agent.agent_id == state.agent_id]
        racing: list[Coroutine[Any, Any, Any]] = [
            self._stop_or_resume(chance),
            self._stop_or_resume(chance),
            self.world.execute_for_agent(self._asked_of(state, agent_commands.ClaimExecution, chance), agent),
            self.world.do(self._asked_of(state, commands.Approve, chance), SUSI),
        ]
        chance.shuffle(racing)

        async def all_at_once() -> None:
            await asyncio.gather(*racing)
            await StoppedThreads(self.world.store).tick()

        self._run(all_at_once())
        self._look(*self.seen)

    def _stop_or_resume(self, chance: Random) -> Coroutine[Any, Any, ThreadOutcome]:
        ids: dict[str, Any] = {"command_id": fresh("thread"), "thread_id": chance.choice(["thr_1", "thr_2", "thr_2"])}
        possible: list[ThreadCommand] = [
            *[HoldThread(**ids, reason="Wait.")] * 4,
            *[ResumeThread(**ids)] * 4,
            ResumeThread(**ids, modified_state={"plan": 2}),
            CancelThread(**ids, reason="Stop."),
        ]
        return ThreadStore(self.world.store).execute(chance.choice(possible), reviewer(chance.choice([SUSI, DORA])))

    @rule(seed=CHANCE)
    def its_agent_goes_on(self, seed: int) -> None:
        chance = Random(seed)
        state = self._open(chance)
        [agent] = [agent for agent in self.agents if agent.agent_id == state.agent_id]
        goes_on = agent_commands.ReportExecution if state.outcome_by else agent_commands.ClaimExecution
        kind = agent_commands.NewVersion if state.status.awaits_agent else goes_on
        self._run(self.world.execute_for_agent(self._asked_of(state, kind, chance), agent))
        self._look(state.decision_package_id)

    @rule(seed=CHANCE)
    def any_agent_does_anything(self, seed: int) -> None:
        chance = Random(seed)
        state, agent = self._view(chance), chance.choice(self.agents)
        answered = self._run(
            self.world.execute_for_agent(self._asked_of(state, chance.choice(BY_AGENTS), chance), agent)
        )
        self._look(state.decision_package_id)
        assert answered.refusal is not None or state.agent_id == agent.agent_id

    @rule(seed=CHANCE)
    def a_card_is_shown(self, seed: int) -> None:
        chance = Random(seed)
        state = self._open(chance)
        seen_by = ALL if chance.random() < 0.8 else frozenset[str]()
        self._run(self.world.save_card(state))
        self._run(self.world.do(ask(service_commands.Show, state, seen_by=seen_by)))
        self._look(state.decision_package_id)

    @rule(span=st.sampled_from([MINUTE, 5 * MINUTE, 5 * MINUTE, HOUR, DAY]))
    def time_passes_and_the_clock_ticks(self, span: timedelta) -> None:
        self.world.clock.passes(span)
        now, tenant = self.world.clock.now, self.world.tenant_id
        for state in self._run(
            self.world.write(lambda connection: packages.claim_due_packages(connection, tenant, now, now, 100))
        ):
            due = next_due(state)
            tick = ask(BY_TIME[due[1]] if due else service_commands.Remind, state)
            outcome, again = self._run(self.world.do(tick)), self._run(self.world.do(tick))
            self._look(state.decision_package_id)
            assert outcome.state is not None
            assert again.refusal is not None or again.state != outcome.state

    @rule(seed=CHANCE)
    def a_clock_is_wrong(self, seed: int) -> None:
        chance = Random(seed)
        state = self._view(chance)
        self._run(self.world.do(ask(chance.choice(list(BY_TIME.values())), state)))
        self._look(state.decision_package_id)

    @rule(seed=CHANCE)
    def a_click_is_delivered_again(self, seed: int) -> None:
        again = Random(seed).choice(self.answered) if self.answered else None
        expected = again and (again[2].refusal, True)
        self._look(*self.seen)
        outcome = again and self._run(self.world.do(again[0], again[1]))
        before = {package_id: len(views) for package_id, views in self.seen.items()}
        self._look(*self.seen)
        assert expected == (outcome and (outcome.refusal, outcome.replayed))
        assert before == {package_id: len(views) for package_id, views in self.seen.items()}

    @rule(frozen=st.booleans())
    def an_admin_freezes_or_thaws(self, *, frozen: bool) -> None:
        self._freeze(frozen=frozen)

    def _freeze(self, *, frozen: bool) -> None:
        now = self.world.clock.now
        self._run(self.world.write(lambda other: tenancy.set_frozen(other, frozen=frozen, actor="UADAM", now=now)))

    # ---- what holds ----------------------------------------------------------------------------------------------

    @invariant()
    def the_database_is_sound(self) -> None:
        assert self._run(self.world.read(faults)) == []

    @invariant()
    def nothing_is_let_through_without_saying_on_what_it_rests(self) -> None:
        states = [views[-1] for views in self.seen.values()]
        assert all(state.decision for state in states if state.may_proceed(self.world.clock.now))
