"""The table of verbs is complete, or the process does not start."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from rules.authority.authorization import authorize, question_of
from rules.authority.standards import Standard
from rules.people.directory import ActorKind, ReviewerAuthorization
from rules.state.commands import Command, PersonCommand, Reject, Verb
from rules.state.model import Status
from rules.state.service_commands import Expire
from rules.state.transition import Move
from rules.verbs import table, tasks
from rules.verbs.decisions import reject
from rules.verbs.spec import Needs, VerbSpec, build_table
from rules.verbs.submission import Submit, submit
from rules.verbs.table import SPEC_OF_VERB, VERBS
from tests.rules.world import ADAM, HARD, NOW, POLICY, ROSE, SENTA, ask, refusal, situation, submitted_state

ROWS = tuple(VERBS.values())


class Ping(PersonCommand):
    """A command that is to be added. Without a verb it needs no row yet."""


@pytest.fixture
def ping() -> Iterator[type[Command]]:
    """The new command, with a verb for the duration of a test."""
    Ping.verb = Verb.COMMENT
    yield Ping
    del Ping.verb


def row(command: type[Command], **parts: Any) -> VerbSpec:
    whole: dict[str, Any] = {
        "by": (ActorKind.PERSON,), "requires": Standard.ROUTE, "taken_in": (Status.PENDING,), "rule": tasks.wake,
    }  # fmt: skip
    return VerbSpec(command=command, **{**whole, **parts})


def test_a_verb_is_added_by_one_row(ping: type[Command]) -> None:
    assert build_table([*ROWS, row(ping)])[ping].requires is Standard.ROUTE


def test_the_table_cannot_be_built_if_a_command_has_no_row(ping: type[Command]) -> None:
    with pytest.raises(TypeError, match="no row for Ping"):
        build_table(ROWS)
    assert ping not in VERBS


@pytest.mark.parametrize("left_out", ROWS, ids=lambda row: row.command.__name__)
def test_the_table_cannot_be_built_if_any_row_is_missing(left_out: VerbSpec) -> None:
    with pytest.raises(TypeError, match=f"no row for {left_out.command.__name__}$"):
        build_table(row for row in ROWS if row is not left_out)


def test_a_verb_has_one_row(ping: type[Command]) -> None:
    with pytest.raises(TypeError, match="Ping has two rows"):
        build_table([*ROWS, row(ping), row(ping, requires=Standard.STOP)])


@pytest.mark.parametrize(
    ("parts", "fault"),
    [
        pytest.param({"by": ()}, "is given by nobody", id="by"),
        pytest.param(
            {"by": (ActorKind.AGENT,), "requires": None}, "is for people, and no person gives it", id="people"
        ),
        pytest.param({"requires": None}, "asks for no standard", id="requires"),
        pytest.param({"rule": None}, "has not exactly one of a rule and a beginning", id="rule"),
        pytest.param({"begins": submit}, "has not exactly one of a rule and a beginning", id="rule and beginning"),
        pytest.param({"taken_in": ()}, "is taken in no status", id="taken in"),
    ],
)
def test_a_row_is_refused_if_any_of_its_parts_is_missing(
    ping: type[Command], parts: dict[str, Any], fault: str
) -> None:
    with pytest.raises(TypeError, match=f"Ping {fault}"):
        build_table([*ROWS, row(ping, **parts)])


@pytest.mark.parametrize(
    ("command", "parts", "fault"),
    [
        pytest.param(Reject, {"requires": Standard.OWN_RULE}, "decides without a standard of its own", id="own rule"),
        pytest.param(
            Reject, {"by": (ActorKind.PERSON, ActorKind.AGENT)}, "decides, and is not given by people alone", id="agent"
        ),
        pytest.param(Expire, {"requires": Standard.STOP}, "has a standard that no person needs", id="standard"),
        pytest.param(Expire, {"due": None}, "is the clock's, and never due", id="due"),
        pytest.param(
            Expire,
            {"by": (ActorKind.AGENT,)},
            "is the clock's, and given by others",
            id="a clock command given by a person",
        ),
        pytest.param(Reject, {"due": lambda *_: True}, "has a time, and is not the clock's", id="time"),
        pytest.param(Reject, {"needs": {Needs.THREAD}}, "asks for the thread without the agent's row", id="thread"),
        pytest.param(
            Reject, {"needs": {Needs.AGENT, Needs.AGENT_ALONE}}, "asks for its agent's row in two ways", id="two ways"
        ),
        pytest.param(
            Submit, {"taken_in": (Status.PENDING,)}, "begins a package, and is taken in a status", id="beginning"
        ),
        pytest.param(Expire, {"offered": lambda _: True}, "is offered, and no person gives it", id="offered"),
    ],
)
def test_a_row_that_contradicts_itself_is_refused(command: type[Command], parts: dict[str, Any], fault: str) -> None:
    changed = replace(VERBS[command], **parts)
    with pytest.raises(TypeError, match=f"{command.__name__} {fault}"):
        build_table([row for row in ROWS if row.command is not command] + [changed])


def test_the_table_cannot_be_imported_if_agents_have_no_name_for_a_decision() -> None:
    source = inspect.getsource(table)
    line = "    VerbSpec(command=commands.Approve, by=_PEOPLE,"
    assert source.count(line) == 1
    without = source.replace("== DECISION_NAMES", '== DECISION_NAMES - {"reject"}')
    assert without != source
    with pytest.raises(TypeError, match="names of decisions"):
        exec(compile(without, str(table.__file__), "exec"), {"__name__": table.__name__})  # noqa: S102 - our own source


def test_two_commands_with_one_verb_have_the_same_statuses() -> None:
    ways = {(row.verb, row.taken_in, row.leads_to) for row in ROWS}
    assert len(ways) == len(SPEC_OF_VERB)


def test_only_revocation_leads_out_of_a_terminal_status() -> None:
    out = {(row.verb, was) for row in ROWS for was in row.leads_from if was.terminal and set(row.leads_to) - {was}}
    granted = (Status.APPROVED, Status.CONSENTED, Status.OVERRIDDEN)
    revoking = (Verb.REVOKE, Verb.REVOKE_WITH_THREAD, Verb.REVOKE_WITH_HANDOFF)
    assert out == {(verb, was) for verb in revoking for was in granted}


def test_a_verb_without_a_standard_is_never_carried_out(monkeypatch: pytest.MonkeyPatch) -> None:
    rows: dict[type[Command], VerbSpec] = {**VERBS, Reject: replace(VERBS[Reject], requires=None)}
    monkeypatch.setattr("rules.verbs.decide.VERBS", rows)
    state = submitted_state(HARD)
    with pytest.raises(AssertionError, match="asks nothing"):
        refusal(state, ask(Reject, state), by=ADAM)


def test_a_decision_without_an_authority_cannot_be_recorded() -> None:
    state = submitted_state(HARD)
    command = ask(Reject, state)
    with pytest.raises(ValueError, match="has no authority"):
        reject(Move(state, command, situation(ADAM)), command)


def test_an_authority_without_a_role_or_a_part_has_no_name() -> None:
    with pytest.raises(ValueError, match="no authority"):
        assert ReviewerAuthorization(reviewer_id=ADAM, roles=(), tenant_id="T1").role


def test_an_authority_states_the_part_in_which_a_person_acts() -> None:
    state = submitted_state(HARD)
    asked = question_of(state, POLICY)
    by_role = authorize(situation().roster, SENTA, Standard.STOP, asked, NOW)
    by_part = authorize(situation().roster, ROSE, Standard.STOP, asked, NOW)
    as_admin = authorize(situation().roster, ADAM, Standard.ADMIN, asked, NOW)
    roles = [
        authority.role for authority in (by_role, by_part, as_admin) if isinstance(authority, ReviewerAuthorization)
    ]
    assert roles == ["senior_reviewer", "requester", "admin"]


def test_nobody_can_meet_the_standard_own_rule() -> None:
    with pytest.raises(ValueError, match="own rule"):
        authorize(situation().roster, SENTA, Standard.OWN_RULE, question_of(submitted_state(HARD), POLICY), NOW)
