"""Fixtures for the tests of the rules: a policy, people, an agent, and helpers that need one line for each step.

`submitted_state(HARD)` is a submitted package. `after(state, ask(Approve, state), by=SENTA)` is its state after a command, and
`refusal(...)` with the same arguments is the reason of a refusal.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar

from blocks.card.rendering import fingerprint
from rules.authority.silence import cards_of, onlookers_of
from rules.mail.mailed import Mailed
from rules.mail.reasons import MailReason
from rules.package.model import DecisionPackage, action_digest, subject_digest
from rules.people.directory import AUTO, Actor, ActorKind, Agent, Directory, Person, Roster
from rules.policy.model import Policy
from rules.reasons import Reason, Refusal
from rules.state import agent_commands, commands, service_commands
from rules.state.commands import Command
from rules.state.model import PackageState
from rules.state.noes import No, RememberedNo
from rules.state.sightings import CardLocation, Silence
from rules.state.situation import Situation
from rules.state.transition import Transition
from rules.verbs.decide import decide
from rules.verbs.submission import Submit

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)

RITA, ROSS = "URITA", "UROSS"  # reviewers
SENTA, SVEN = "USENTA", "USVEN"  # senior reviewers
SUSI, SAUL, SILA = "USUSI", "USAUL", "USILA"  # supervisors
DORA = "UDORA"  # the director
ALL = frozenset([RITA, ROSS, SENTA, SVEN, SUSI, SAUL, SILA, DORA])
ROSE, OWEN, ADAM = "UROSE", "UOWEN", "UADAM"  # the requester, the agent's owner and an admin, none with a role
GRETA, STAN, BODO, DEAN, NEMO = "UGRETA", "USTAN", "UBODO", "UDEAN", "UNEMO"  # supervisors who may not decide

CARD = CardLocation("C1", "1.0")  # where a package is shown by default

BASE: dict[str, Any] = {
    "version": "test-1",
    "admins": [ADAM],
    "roles": {
        "reviewer": {"members": [RITA, ROSS], "max_risk": "medium"},
        "senior_reviewer": {"members": [SENTA, SVEN], "includes": ["reviewer"], "max_risk": "high"},
        "supervisor": {
            "members": [SUSI, SAUL, SILA, GRETA, STAN, BODO, DEAN, NEMO],
            "includes": ["senior_reviewer"],
            "max_risk": "critical",
        },
        "director": {"members": [DORA], "includes": ["supervisor"], "max_risk": "critical"},
    },
    "tiers": {
        "medium": {"ladder": ["senior_reviewer", "supervisor"]},
        "high": {"ladder": ["supervisor", "director"]},
        "critical": {"ladder": ["director"]},
    },
    "actions": {
        "record.read": {"reversibility": "reversible"},
        "record.update": {"reversibility": "partially_reversible"},
        "mail.send": {"reversibility": "irreversible_low"},
        "payment.send": {"reversibility": "irreversible_high"},
    },
}


def policy(**changes: Any) -> Policy:
    """The policy above with these changes, which are merged into its tables."""
    return Policy.model_validate(_merge(BASE, changes))


def _merge(base: dict[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    deeper = {
        name: _merge(base[name], value)
        for name, value in changes.items()
        if isinstance(value, dict) and isinstance(base.get(name), dict)
    }
    return base | dict(changes) | deeper


@lru_cache
def policy_text(source: Policy) -> str:
    """The policy as the text of a file."""
    settings = source.model_dump(mode="json", exclude_none=True)
    return "\n".join(f"{name} = {_toml(value)}" for name, value in settings.items())


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(name)} = {_toml(entry)}" for name, entry in value.items()) + "}"
    return f"[{', '.join(map(_toml, value))}]" if isinstance(value, list) else json.dumps(value)


POLICY = policy()
NO_SECOND_EYES = policy(separation={"second_pair_of_eyes": False})


def people(**changes: dict[str, Any]) -> dict[str, Person]:
    """Everyone, each with an e-mail address, with changes by user id."""
    special: dict[str, dict[str, Any]] = {
        GRETA: {"is_guest": True},
        STAN: {"is_stranger": True},
        BODO: {"is_bot": True},
        DEAN: {"active": False},
    }
    known = (RITA, ROSS, SENTA, SVEN, SUSI, SAUL, SILA, DORA, ROSE, OWEN, ADAM, GRETA, STAN, BODO, DEAN)
    return {who: person(who, **special.get(who, {}), **changes.get(who, {})) for who in known}


def person(user_id: str, **fields: Any) -> Person:
    name = user_id[1:].lower()
    return Person.model_validate({"user_id": user_id, "name": name, "email": f"{name}@example.com", **fields})


AGENT = Agent(agent_id="agt_1", name="Clerk", owner=OWEN)


def agent(**changes: Any) -> Agent:
    return AGENT.model_copy(update=changes)


def package(**fields: Any) -> DecisionPackage:
    """A package of medium risk that is complete for every tier."""
    defaults: dict[str, Any] = {
        "title": "Read the record",
        "action_type": "record.read",
        "action_parameters": {"record": "42"},
        "proposed_action": "Read record 42.",
        "rationale": "The customer asked for it.",
        "risk_level": "medium",
        "confidence": 0.95,
        "requested_by": ROSE,
        "thread_id": "thr_1",
        "evidence_refs": ["doc_1"],
        "known_uncertainties": ["The record may be old."],
        "side_effect_preview": {"reads": 1},
        "consequence": "Nothing changes.",
        "policy_basis": ["P-1"],
    }
    return DecisionPackage.model_validate(defaults | fields)


AUTOMATIC = package(risk_level="low")
SOFT = package()
HARD = package(risk_level="high")
CRITICAL = package(risk_level="critical")
TAKEOVER = package(recommendation="escalate")
QUESTION = package(kind="question", action_parameters=None)

C = TypeVar("C", bound=Command)


def no_to(package: DecisionPackage, *, agent_id: str = "agt_1", by: str = SENTA, **fields: Any) -> RememberedNo:
    """A rejection of another package, an hour ago."""
    given = {"event_id": "evt_0", "decision_package_id": "pkg_0", "verb": commands.Verb.REJECT, "at": NOW - HOUR}
    no = No.model_validate(given | {"action_digest": action_digest(package), "by": by} | fields)
    return RememberedNo(no, agent_id, subject_digest(package))


_fresh = itertools.count(1)


def situation(
    by: str | Actor = AUTO,
    *,
    now: datetime = NOW,
    policy: Policy = POLICY,
    people: Mapping[str, Person] = people(),
    groups: Mapping[str, frozenset[str]] | None = None,
    directory_as_of: datetime | None = None,
    **others: Any,
) -> Situation:
    """The situation of this actor now. By default the directory is fresh and the agent is the one above."""
    directory = Directory(people=people, groups=groups or {}, as_of=directory_as_of or now)
    actor = Actor(kind=ActorKind.PERSON, actor_id=by) if isinstance(by, str) else by
    bearing: dict[str, Any] = {
        "agent": AGENT,
        "package": SOFT,
        "fresh_id": f"{next(_fresh):06d}",
        "cards": frozenset([CARD]),
        "mails": (MAIL_SENT,),
    } | others
    return Situation(policy=policy, roster=Roster(policy, directory), now=now, tenant_id="T1", actor=actor, **bearing)


MAIL_SENT = Mailed(mail_id="mail_1", user_id=SENTA, reason=MailReason.TAKEOVER, digest="sha256:0")
_OF_THREAD = {"thread_key": "thr_1", "thread_event_id": "evt_thread", "since": NOW, "role": "reviewer"}
_SAID: dict[type[Command], dict[str, Any]] = {
    **dict.fromkeys(service_commands.ThreadConsequence.__subclasses__(), _OF_THREAD),
    commands.ApproveWithEdits: {"action_parameters": {"record": "43"}},
    commands.Revise: {"instructions": "Name the record."},
    commands.RequestMoreEvidence: {"instructions": "Show the order."},
    commands.Defer: {"until": NOW + HOUR},
    commands.HumanOverrideCommand: {
        "override_decision": "proceed",
        "override_reason": "The audit is tomorrow.",
        "evidence_refs": ["ticket 7"],
    },
    commands.Answer: {"answer": "The blue one."},
    commands.Assign: {"assignee": SENTA},
    commands.Extend: {"until": NOW + 2 * DAY},
    commands.Judge: {"verdict": "sound"},
    commands.OpenDetails: {"rendering_id": "rnd_1", "page": 1, "of": 1},
    service_commands.Show: {"rendering_id": "rnd_1", "channel": CARD.channel, "ts": CARD.ts, "seen_by": ALL},
    commands.OpenForm: {"rendering_id": "rnd_1", "page": 1, "of": 1, "shown": {"type": "modal"}},
    agent_commands.Say: {"text": "It is order 456."},
    agent_commands.NewVersion: {"package": SOFT},
    service_commands.Harden: {"cause": "proof-lost"},
    agent_commands.ClaimExecution: {"claim_id": "clm_1"},
    agent_commands.ReportExecution: {"claim_id": "clm_1", "outcome": "succeeded"},
}


class Shown(NamedTuple):
    rendering_id: str
    body: str


@lru_cache
def card_shown(package_id: str) -> Shown:
    """The rendering that `ask` says a decision is based on."""
    content = {"text": f"The card of {package_id}.", "blocks": []}
    return Shown(fingerprint(content), json.dumps(content))


def ask(kind: type[C], state: PackageState, **fields: Any) -> C:
    """A command for the present version and rung, with all required fields."""
    seen: dict[str, Any] = {
        "command_id": f"cmd_{next(_fresh)}",
        "decision_package_id": state.decision_package_id,
        "expected_package_version": state.version,
        "package_version": state.version,
        "expected_rung": state.task.rung,
        "rendering_id": card_shown(state.decision_package_id).rendering_id,
        "action_digest": state.action_digest,
        "comment": "I looked at it.",
    }
    if kind is service_commands.Consent:
        seen["silence"] = proven(state)
    fitting = {name: value for name, value in seen.items() if name in kind.model_fields}
    return kind.model_validate(fitting | _SAID.get(kind, {}) | fields)


def proven(state: PackageState, **fields: Any) -> Silence:
    """A silence that is long enough, with everyone who is known to see a card as an onlooker."""
    cards = cards_of(state)
    silence = Silence(
        counted=timedelta(minutes=5),
        could_be_answered=True,
        cards=frozenset(card.location for card in cards),
        onlookers=onlookers_of(cards),
    )
    return silence.model_copy(update=fields)


def submission(package: DecisionPackage = SOFT, package_id: str = "pkg_1") -> Submit:
    return Submit(command_id="cmd_submit", decision_package_id=package_id, package=package)


def transition_of(state: PackageState | None, command: Command, by: str | Actor = AUTO, **bearing: Any) -> Transition:
    outcome = decide(state, command, situation(by, **bearing))
    assert isinstance(outcome, Transition), outcome
    return outcome


def after(state: PackageState | None, command: Command, by: str | Actor = AUTO, **bearing: Any) -> PackageState:
    return transition_of(state, command, by, **bearing).after


def refusal(state: PackageState | None, command: Command, by: str | Actor = AUTO, **bearing: Any) -> Reason:
    outcome = decide(state, command, situation(by, **bearing))
    assert isinstance(outcome, Refusal), outcome
    assert "(no " not in outcome.sentence, outcome.sentence
    return outcome.reason


def submitted_state(package: DecisionPackage = SOFT, **bearing: Any) -> PackageState:
    return after(None, submission(package), by=bearing.get("agent", AGENT).actor, **bearing)


def shown_state(state: PackageState, **bearing: Any) -> PackageState:
    """The state after its card was shown where an eligible person sees it."""
    return after(state, ask(service_commands.Show, state), **bearing)


def opened_state(state: PackageState, *readers: str) -> PackageState:
    """The state after these people opened its Details."""
    for reader in readers:
        state = after(state, ask(commands.OpenDetails, state), by=reader)
    return state


def approved_state(package: DecisionPackage = HARD, by: str = SENTA, **bearing: Any) -> PackageState:
    state = submitted_state(package)
    return after(state, ask(commands.Approve, state), by=by, **bearing)


def claimed_state(state: PackageState, **bearing: Any) -> PackageState:
    return after(state, ask(agent_commands.ClaimExecution, state), by=AGENT.actor, **bearing)


def reported_state(state: PackageState, outcome: str = "succeeded", **bearing: Any) -> PackageState:
    return after(state, ask(agent_commands.ReportExecution, state, outcome=outcome), by=AGENT.actor, **bearing)
