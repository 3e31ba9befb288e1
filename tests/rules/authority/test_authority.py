"""Who may give which verb, for each kind of person."""

from __future__ import annotations

from typing import Any

import pytest

from rules.authority.standards import Standard
from rules.package.model import Kind
from rules.reasons import Reason, Refusal
from rules.scales import HITLLevel
from rules.state import commands
from rules.state.commands import (
    Approve,
    ApproveWithEdits,
    Command,
    Recuse,
)
from rules.state.model import PackageState, Status
from rules.verbs.decide import decide
from tests.rules.world import (
    ADAM,
    BODO,
    DAY,
    DEAN,
    DORA,
    GRETA,
    NEMO,
    NOW,
    RITA,
    SAUL,
    SENTA,
    SILA,
    STAN,
    SUSI,
    SVEN,
    after,
    agent,
    ask,
    package,
    people,
    person,
    policy,
    situation,
    submitted_state,
)

PROCEED, STOP, ROUTE, TAKE_OVER = Standard.PROCEED, Standard.STOP, Standard.ROUTE, Standard.TAKE_OVER
MILO, JUNE, DINA = "UMILO", "UJUNE", "UDINA"
EVERYBODY = people() | {who: person(who) for who in (MILO, JUNE, DINA)}
WIDER = policy(
    roles={
        "mailer": {"members": [MILO], "includes": ["supervisor"], "scopes": ["mail.*"], "max_risk": "critical"},
        "director": {"members": [DORA, DINA]},
        "junior": {"members": [JUNE], "includes": ["senior_reviewer"], "max_risk": "medium"},
    }
)
BEARING: dict[str, Any] = {"policy": WIDER, "people": EVERYBODY, "agent": agent(owner=SUSI)}

# The specification of each verb, repeated here on purpose.
ASKED: dict[type[Command], Standard] = {
    commands.Approve: PROCEED,
    commands.ApproveWithEdits: PROCEED,
    commands.HumanOverrideCommand: PROCEED,
    commands.Answer: PROCEED,
    commands.Extend: PROCEED,
    commands.Judge: PROCEED,
    commands.Reject: STOP,
    commands.Object: STOP,
    commands.Revoke: STOP,
    commands.Revise: ROUTE,
    commands.RequestMoreEvidence: ROUTE,
    commands.Escalate: ROUTE,
    commands.Defer: ROUTE,
    commands.Recuse: ROUTE,
    commands.ClaimTask: ROUTE,
    commands.Comment: ROUTE,
    commands.AllowRetry: PROCEED,
    commands.AskRollback: STOP,
    commands.Close: STOP,
    commands.Wake: ROUTE,
    commands.TakeOver: TAKE_OVER,
}

RECOVERY = (commands.AllowRetry, commands.AskRollback, commands.Close)

# kind of person: (user id, the refusal by standard)
CAST: dict[str, tuple[str, dict[Standard, Reason]]] = {
    "holder of an including role": (DORA, {}),
    "requester": (SENTA, {PROCEED: Reason.IS_REQUESTER}),
    "on the delegation chain": (SVEN, {PROCEED: Reason.IS_ON_CHAIN}),
    "owner of the agent": (SUSI, {PROCEED: Reason.IS_OWNER}),
    "editor": (SAUL, {PROCEED: Reason.IS_EDITOR}),
    "recused": (SILA, {PROCEED: Reason.IS_RECUSED}),
    "below the role": (RITA, dict.fromkeys(Standard, Reason.WRONG_ROLE)),
    "without a role": (ADAM, dict.fromkeys(Standard, Reason.WRONG_ROLE)),
    "out of scope": (MILO, dict.fromkeys([PROCEED, ROUTE, TAKE_OVER], Reason.OUT_OF_SCOPE)),
    "below the risk": (JUNE, dict.fromkeys([PROCEED, TAKE_OVER], Reason.ABOVE_AUTHORITY)),
    "guest": (GRETA, dict.fromkeys(Standard, Reason.A_GUEST)),
    "stranger": (STAN, dict.fromkeys(Standard, Reason.A_STRANGER)),
    "bot": (BODO, dict.fromkeys(Standard, Reason.A_BOT)),
    "deactivated": (DEAN, dict.fromkeys(Standard, Reason.DEACTIVATED)),
    "unknown": (NEMO, dict.fromkeys(Standard, Reason.UNKNOWN_PERSON)),
}


def staged_state() -> PackageState:
    """A package with every party and bar that these tests need."""
    state = submitted_state(package(risk_level="high", requested_by=SENTA, on_behalf_of=[SVEN]), **BEARING)
    state = after(state, ask(ApproveWithEdits, state), by=SAUL, **BEARING)
    return after(state, ask(Recuse, state), by=SILA, **BEARING)


def state_for(kind: type[Command]) -> PackageState:
    """The package in the status, kind and level in which it accepts the verb."""
    state = staged_state()
    decided = after(state, ask(Approve, state), by=DORA, **BEARING)
    apart: dict[type[Command], PackageState] = {
        commands.Object: state.model_copy(update={"level": HITLLevel.SOFT_APPROVAL}),
        commands.Answer: state.model_copy(update={"kind": Kind.QUESTION}),
        commands.Wake: state.model_copy(update={"status": Status.DEFERRED}),
        commands.Revoke: decided,
        **dict.fromkeys(RECOVERY, state.model_copy(update={"asks_recovery": True})),
        commands.Judge: decided.model_copy(update={"sampled": True, "decision": None}),
    }
    return apart.get(kind, state)


def reason(kind: type[Command], state: PackageState, by: str, **bearing: Any) -> Reason | None:
    outcome = decide(state, ask(kind, state), situation(by, **BEARING | bearing))
    return outcome.reason if isinstance(outcome, Refusal) else None


CASES = [
    pytest.param(kind, who, standing.get(standard), id=f"{kind.verb} by {name}")
    for kind, standard in ASKED.items()
    for name, (who, standing) in CAST.items()
    if (kind, name) != (Recuse, "recused")
]


@pytest.mark.parametrize(("kind", "who", "expected"), CASES)
def test_each_standard_admits_the_right_people(kind: type[Command], who: str, expected: Reason | None) -> None:
    assert reason(kind, state_for(kind), who) is expected


def test_nobody_recuses_themselves_twice() -> None:
    assert reason(Recuse, staged_state(), SILA) is Reason.IS_RECUSED


@pytest.mark.parametrize("kind", ASKED)
def test_with_a_stale_directory_nobody_may_do_anything(kind: type[Command]) -> None:
    assert reason(kind, state_for(kind), DORA, directory_as_of=NOW - DAY - DAY / 1000) is Reason.DIRECTORY_STALE


def test_a_directory_of_exactly_the_highest_age_still_counts() -> None:
    assert reason(Approve, staged_state(), DORA, directory_as_of=NOW - DAY) is None
