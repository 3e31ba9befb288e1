"""Random lives of packages: people, agents, clocks and policies that act at random on one package at a time.

Every choice is made by `choose` from a list. So a life can be driven by Hypothesis, which shrinks a failure, or by a
random number generator, which goes further.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

from rules.package.model import DecisionPackage
from rules.people.autonomy import AutonomyProfile
from rules.people.directory import AUTO, Actor, ActorKind
from rules.reasons import Refusal
from rules.record.chain import package_event
from rules.state import agent_commands, commands, service_commands
from rules.state.commands import Command, HumanDecisionCommand, PersonCommand, Verb
from rules.state.model import PackageState
from rules.state.sightings import Silence
from rules.state.situation import Memory, Situation
from rules.state.transition import Transition, record_refusal
from rules.verbs.decide import decide
from rules.verbs.timers import next_due
from rules.verbs.trials import accepts_verb
from tests.rules import world
from tests.rules.world import ADAM, AGENT, DAY, HOUR, MINUTE, NOW, OWEN, POLICY, ask, people, policy

T = TypeVar("T")
Choose = Callable[[Sequence[Any]], Any]
Look = Callable[[PackageState | None, Command, Transition | Refusal, Situation], None]

# A word in every text of agents and people, so that tests find any place where such a text is stored.
MARK = "Zauberwort"
QUORUM = {"quorum": 2, "of_role": {"supervisor": 1}}
POLICIES = [
    POLICY,
    world.NO_SECOND_EYES,
    policy(tiers={risk: {"ladder_keeps": False} for risk in ("medium", "high", "critical")}),
    policy(tiers={"medium": QUORUM, "high": QUORUM}),
    policy(soft={"enabled": False}, tiers={"high": {"on_timeout": "cancel", "details_first": True}}),
    policy(tiers={"medium": {"on_timeout": "defer"}, "high": {"on_timeout": "auto_reject"}}, soft={"sample": 1}),
    policy(roles={"senior_reviewer": {"members": ["USVEN"], "scopes": ["mail.*"]}, "supervisor": {"max_risk": "high"}}),
    policy(roles={"senior_reviewer": {"includes": []}, "supervisor": {"includes": []}}, queue={"assign": "balanced"}),
    policy(actions={"record.read": {"reversibility": "irreversible_high", "risk": "critical", "role": "director"}}),
]
EVERYBODY = people()
AWAY = {"away_until": NOW + 9999 * DAY}
COMPANIES = [
    EVERYBODY,
    people(URITA=AWAY | {"delegate": "UROSS"}, USENTA=AWAY | {"delegate": "USVEN"}, USUSI=AWAY),
    people(
        URITA=AWAY, UROSS=AWAY | {"delegate": "USUSI"}, USVEN=AWAY | {"delegate": "USENTA"}, USAUL={"active": False}
    ),
    people(USENTA={"active": False}, USUSI={"is_guest": True}),
    people(USVEN={"email": "new@example.com"}, URITA={"is_stranger": True}),
]
REVIEWERS = ["URITA", "UROSS", "USENTA", "USVEN", "USUSI", "USAUL", "USILA", "UDORA"]
PARTIES = [None, "UROSE", "UROSE", "USENTA", "USUSI", "new@example.com"]
BY_PEOPLE = [*HumanDecisionCommand.__subclasses__(), *PersonCommand.__subclasses__()]
ENDING = [commands.Reject, commands.TakeOver, commands.Withdraw]
GOING_ON = [kind for kind in BY_PEOPLE if kind not in ENDING]
BY_AGENTS = [
    agent_commands.Say,
    agent_commands.NewVersion,
    agent_commands.ClaimExecution,
    agent_commands.ReportExecution,
    commands.Withdraw,
]
WITH_THREAD: list[type[Command]] = [
    *[service_commands.HoldWithThread] * 4,
    *[service_commands.ResumeWithThread] * 4,
    service_commands.RevokeWithThread,
    service_commands.CancelWithThread,
]
BY_TIME = [*service_commands.ClockCommand.__subclasses__(), service_commands.Show]
TICKS: dict[Verb, type[Command]] = {kind.verb: kind for kind in service_commands.ClockCommand.__subclasses__()}


def mark(text: str) -> str:
    return f"{text} {MARK}"


PACKAGE: dict[str, list[Any]] = {
    "title": [mark("Title")],
    "proposed_action": [mark("Do it")],
    "rationale": [mark("Because")],
    "consequence": [mark("Then")],
    "evidence_refs": [[mark("doc")]] * 9 + [[]],
    "known_uncertainties": [[mark("perhaps")]],
    "policy_basis": [[mark("rule")]],
    "metadata": [{MARK: MARK}],
    "side_effect_preview": [{MARK: MARK}],
    "subject_id": [mark("customer")] * 9 + [mark("another")],
    "action_parameters": [{MARK: 1}, {MARK: 2}, {"to": MARK}],
    "action_type": ["record.read"] * 9 + ["record.update", "mail.send", "unheard.of"],
    "kind": ["action"] * 9 + ["question", "plan"],
    "risk_level": ["low", "medium", "medium", "medium", "high", "high", "critical"],
    "confidence": [0.95] * 9 + [0.7, 0.6, 0.3],
    "requested_by": PARTIES,
    "on_behalf_of": [[], [], ["USVEN"], ["new@example.com"]],
    "thread_id": ["thr_1", None],
    "expires_at": [None] * 9 + [2 * HOUR, 2 * DAY],
    "recommendation": [None] * 9 + ["proceed", "clarify", "escalate"],
    "material_change": [None] * 4 + [mark("Now blue")],
    "allowed_decisions": [None] * 9 + [["approve", "revise"]],
}
# Rita is known to see the card for longer than her counted silence.
_SEES, _SEES_NOT = {"URITA": NOW + 9999 * DAY}, dict[str, datetime]()
NOES = [(world.no_to(world.package(action_parameters={MARK: 1}, subject_id=subject)),) for subject in (None, "x")]
SILENCES = [
    Silence(counted=counted, could_be_answered=could, cards=frozenset([world.CARD]), onlookers=onlookers)
    for counted, onlookers, could in [(HOUR, _SEES, True)] * 3
    + [(MINUTE, _SEES, True), (HOUR, _SEES_NOT, True), (HOUR, _SEES, False)]
]
SEEN_BY = [world.ALL, world.ALL, world.ALL, frozenset(["USENTA"]), frozenset[str]()]
# For each field of a command, the values to try, valid and invalid.
FIELDS: dict[str, list[Any]] = {
    "comment": [mark("Because"), mark("Because"), None],
    "instructions": [mark("Change it")],
    "answer": [mark("Blue")],
    "override_reason": [mark("I know better")],
    "evidence_refs": [[mark("ticket")]],
    "detail": [mark("It hung")],
    "text": [mark("It is order 456")],
    "audience": ["agent", "reviewers"],
    "override_decision": ["proceed", "proceed", "stop", "other"],
    "action_parameters": [{MARK: 1}, {MARK: 3}, {"to": MARK, "again": True}, {"bad": "\u0000"}],
    "to_role": [None, None, "supervisor", "director", "reviewer", MARK],
    "to_person": [None, None, *REVIEWERS],
    "until": [HOUR, HOUR, 2 * DAY, 90 * DAY, -HOUR],
    "assignee": REVIEWERS,
    "verdict": ["sound", "unsound"],
    "claim_id": ["clm_1", "clm_1", "clm_2"],
    "outcome": ["succeeded", "failed", "rolled_back"],
    "silence": SILENCES,
    "seen_by": SEEN_BY,
    "page": [1, 2],
    "rendering_id": ["rnd_1", "rnd_2"],
    "new_plan": [False, False, True],
    "for_good": [False, True],
}


def person(user_id: str) -> Actor:
    return Actor(kind=ActorKind.PERSON, actor_id=user_id)


class Life:
    """A sequence of packages, with the people, agent, policy and clock around them."""

    def __init__(self, look: Look) -> None:
        self.look = look
        self.now = NOW
        self.policy, self.people = POLICY, EVERYBODY
        self.agent, self.memory = AGENT, Memory()
        self.directory_age = timedelta(0)
        self.profile: AutonomyProfile | None = None
        self.state: PackageState | None = None
        self.content: DecisionPackage | None = None
        self.events: list[dict[str, Any]] = []

    @property
    def here(self) -> PackageState:
        assert self.state is not None
        return self.state

    def something_happens(self, choose: Choose) -> None:
        state = self.state
        choose(BEFORE if state is None else AFTERWARDS if state.status.terminal else MEANWHILE)(self, choose)

    def package(self, choose: Choose) -> DecisionPackage:
        fields = {name: choose(options) for name, options in PACKAGE.items()}
        return world.package(**fields | {"expires_at": fields["expires_at"] and self.now + fields["expires_at"]})

    def command(self, choose: Choose, kind: type[Command]) -> Command:
        names = kind.model_fields
        fields = {name: choose(options) for name, options in FIELDS.items() if name in names}
        if "until" in fields:
            fields["until"] += self.now
        if "package" in names:
            fields["package"] = self.package(choose)
        if fields.get("comment", MARK) is None and names["comment"].is_required():
            fields["comment"] = MARK
        stale = {"expected_package_version": max(1, self.here.version - 1), "expected_rung": 0, "action_digest": "no"}
        seen = {name: value for name, value in stale.items() if name in names and choose([False] * 9 + [True])}
        return ask(kind, self.here, **fields, **seen)

    def give(self, command: Command, actor: Actor, chance: float = 1.0) -> None:
        where = world.situation(
            actor,
            now=self.now,
            policy=self.policy,
            people=self.people,
            directory_as_of=self.now - self.directory_age,
            agent=self.agent,
            package=self.content,
            profile=self.profile,
            memory=self.memory,
            chance=chance,
            open_items={"USENTA": 2, "UROSS": 1},
        )
        outcome = decide(self.state, command, where)
        self.look(self.state, command, outcome, where)
        if isinstance(outcome, Transition):
            self.take(outcome)
        elif self.state is not None and actor.kind is ActorKind.PERSON:
            self.take(record_refusal(self.state, command, where, outcome.reason))

    def take(self, move: Transition) -> None:
        before = self.state
        for happened in move.occurrences:
            self.events.append(json.loads(json.dumps(package_event(happened, before, "salt"))))
            before = happened.after
            if happened.words and "package" in happened.words:
                self.content = DecisionPackage.model_validate(happened.words["package"])
        self.state, self.profile = move.after, move.profile or self.profile


def submit_package(life: Life, choose: Choose) -> None:
    life.state, life.content, life.events = None, None, []
    life.give(world.submission(life.package(choose)), AGENT.actor, choose([0.0, 1.0]))


def reviewer_gives_an_offered_verb(life: Life, choose: Choose) -> None:
    kind = choose([kind for kind in GOING_ON if accepts_verb(life.here, kind.verb)])
    life.give(life.command(choose, kind), person(choose(REVIEWERS)), choose([0.0, 1.0]))


def reviewer_reads_and_approves(life: Life, choose: Choose) -> None:
    who = person(choose(REVIEWERS))
    life.give(ask(commands.OpenDetails, life.here), who)
    kind = choose([commands.Approve, commands.Approve, commands.HumanOverrideCommand])
    life.give(ask(kind, life.here, comment=MARK), who, choose([0.0, 1.0]))


def someone_stops_it(life: Life, choose: Choose) -> None:
    life.give(ask(choose(ENDING), life.here, comment=MARK), person(choose([*REVIEWERS, *EVERYBODY])))


def someone_stops_or_resumes_its_thread(life: Life, choose: Choose) -> None:
    """Resumed by the thread that holds it, some time after the hold."""
    life.now += choose([MINUTE, HOUR, 9 * DAY])
    command = life.command(choose, choose(WITH_THREAD))
    stopped = command.model_copy(update={"since": life.now, "thread_event_id": f"evt_thread_{len(life.events)}"})
    life.give(stopped, Actor(kind=ActorKind.AUTO, actor_id=choose(REVIEWERS)))


def silence_passes(life: Life, choose: Choose) -> None:
    life.give(ask(service_commands.Show, life.here, seen_by=choose(SEEN_BY)), AUTO)
    life.now += 6 * MINUTE
    life.give(ask(service_commands.Consent, life.here, silence=choose(SILENCES)), AUTO, choose([0.0, 1.0]))


def clock_does_what_is_due(life: Life, choose: Choose) -> None:
    due = next_due(life.here)
    at, verb = due or (life.now, Verb.EXPIRE)
    life.now = max(life.now, at + choose([timedelta(0), timedelta(0), DAY]))
    fields = {"silence": choose(SILENCES)} if verb is Verb.CONSENT else {}
    life.give(ask(TICKS[verb], life.here, **fields), AUTO, choose([0.0, 1.0]))


def service_covers_absences(life: Life, choose: Choose) -> None:
    """People go away and come back more often than anything else changes."""
    life.people = choose(COMPANIES)
    life.give(ask(service_commands.Relieve, life.here), AUTO)


def agent_sends_something(life: Life, choose: Choose) -> None:
    life.give(life.command(choose, choose(BY_AGENTS[:4])), AGENT.actor)


def agent_uses_a_permission(life: Life, choose: Choose) -> None:
    untouched = life.here.execution.claim_id is None
    by_agent = [agent_commands.ClaimExecution] * 3 if untouched else [agent_commands.ReportExecution] * 2
    kind = choose([*by_agent, commands.Judge, commands.Revoke])
    life.give(life.command(choose, kind), AGENT.actor if kind in by_agent else person(choose(REVIEWERS)))


def anyone_tries_any_command(life: Life, choose: Choose) -> None:
    others = [AUTO, AGENT.actor, world.agent(agent_id="agt_2").actor, person(OWEN), person(ADAM), person("UNEMO")]
    known = [person(who) for who in EVERYBODY]
    life.give(life.command(choose, choose([*BY_PEOPLE, *BY_AGENTS, *BY_TIME])), choose([*others, *known]))


def time_passes(life: Life, choose: Choose) -> None:
    life.now += choose([MINUTE, HOUR, HOUR, DAY])


def policy_or_people_change(life: Life, choose: Choose) -> None:
    life.policy = POLICIES[choose(range(len(POLICIES)))]
    life.people = COMPANIES[choose(range(len(COMPANIES)))]
    life.agent = world.agent(frozen=choose([False] * 5 + [True]))
    life.directory_age = choose([timedelta(0)] * 9 + [2 * DAY])
    life.memory = choose([Memory()] * 5 + [Memory(thread_stopped_by="pkg_0"), Memory(noes=choose(NOES))])


BEFORE = [submit_package, submit_package, policy_or_people_change]
AFTERWARDS = [
    *[agent_uses_a_permission, agent_uses_a_permission, submit_package] * 3,
    *[clock_does_what_is_due, anyone_tries_any_command, someone_stops_it, someone_stops_or_resumes_its_thread],
]
MEANWHILE = [
    *[reviewer_gives_an_offered_verb] * 5,
    *[reviewer_reads_and_approves] * 2,
    *[clock_does_what_is_due, silence_passes, time_passes, service_covers_absences] * 2,
    *[
        agent_sends_something,
        agent_uses_a_permission,
        anyone_tries_any_command,
        policy_or_people_change,
        someone_stops_it,
        someone_stops_or_resumes_its_thread,
        someone_stops_or_resumes_its_thread,
    ],
]
