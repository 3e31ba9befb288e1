"""Every verb that a person may give asks for something: the table of standards is whole, or nothing starts."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import pytest

from rules.authority import standards
from rules.authority.authorization import authorize, question_of
from rules.authority.standards import GROUPS, STANDARDS, Standard, concrete, standards_of
from rules.people.directory import ReviewerAuthorization
from rules.state.commands import HumanDecisionCommand, PersonCommand, Reject, Revise, TakeOver, Verb
from rules.state.transition import Move
from rules.verbs import table
from rules.verbs.decisions import reject
from tests.rules.world import ADAM, HARD, NOW, ROSE, SENTA, ask, refusal, situation, submitted

BY_PEOPLE = concrete(HumanDecisionCommand, PersonCommand)


def imported(module: Any, line: str, instead: str) -> Mapping[str, Any]:
    """A copy of the module with one line changed, imported."""
    source = inspect.getsource(module)
    assert source.count(line) == 1, line
    names: dict[str, Any] = {"__name__": module.__name__}
    exec(compile(source.replace(line, instead), module.__file__, "exec"), names)  # noqa: S102 - our own source
    return names


def test_the_module_imports_as_it_stands() -> None:
    assert imported(standards, "GROUPS: Groups = {\n", "GROUPS: Groups = {\n")["STANDARDS"].keys() == STANDARDS.keys()


@pytest.mark.parametrize("verb", sorted(STANDARDS))
def test_the_table_is_refused_without_any_one_of_its_verbs(verb: Verb) -> None:
    short = {standard: tuple(each for each in verbs if each is not verb) for standard, verbs in GROUPS.items()}
    with pytest.raises(TypeError, match=f"no standard: {verb}"):
        standards_of(short, BY_PEOPLE)


def test_the_module_does_not_import_with_a_verb_left_out() -> None:
    with pytest.raises(TypeError, match="no standard: reject"):
        imported(standards, "        Verb.REJECT,\n", "")


def test_the_module_does_not_import_with_a_verb_entered_twice() -> None:
    with pytest.raises(TypeError, match="more than one standard: reject"):
        imported(standards, "        Verb.REVISE,\n", "        Verb.REVISE,\n        Verb.REJECT,\n")


def test_the_module_does_not_import_with_a_verb_that_only_the_clock_gives() -> None:
    with pytest.raises(TypeError, match="a standard that no person needs: consent"):
        imported(standards, "        Verb.REVISE,\n", "        Verb.REVISE,\n        Verb.CONSENT,\n")


def test_a_decision_cannot_be_left_to_its_own_rule() -> None:
    moved: dict[Standard, tuple[Verb, ...]] = {
        **GROUPS,
        Standard.STOP: (Verb.OBJECT, Verb.REVOKE),
        Standard.OWN_RULE: (*GROUPS[Standard.OWN_RULE], Verb.REJECT),
    }
    with pytest.raises(TypeError, match="a decision without a standard of its own: reject"):
        standards_of(moved, BY_PEOPLE)


@pytest.mark.parametrize(
    "line", ["    commands.Reject: decisions.reject,\n", "    V.REJECT: (_OPEN, (S.REJECTED,)),\n"]
)
def test_a_command_without_a_rule_or_a_status_keeps_the_life_from_being_imported(line: str) -> None:
    with pytest.raises(TypeError, match="Reject"):
        imported(table, line, "")


@pytest.mark.parametrize("kind", [Reject, TakeOver, Revise])
def test_a_verb_whose_standard_is_missing_is_carried_out_for_nobody(
    monkeypatch: pytest.MonkeyPatch, kind: type[HumanDecisionCommand]
) -> None:
    monkeypatch.delitem(STANDARDS, kind.verb)
    state = submitted(HARD)
    with pytest.raises(LookupError):
        refusal(state, ask(kind, state), by=ADAM)


def test_a_decision_without_an_authority_cannot_be_recorded() -> None:
    state = submitted(HARD)
    command = ask(Reject, state)
    with pytest.raises(ValueError, match="has no authority"):
        reject(Move(state, command, situation(ADAM)), command)


def test_an_authority_without_a_role_or_a_part_has_no_name() -> None:
    with pytest.raises(ValueError, match="no authority"):
        assert ReviewerAuthorization(reviewer_id=ADAM, roles=(), tenant_id="T1").role


def test_an_authority_says_in_which_part_a_person_acts() -> None:
    state = submitted(HARD)
    asked = question_of(state)
    by_role = authorize(situation().roster, SENTA, Standard.STOP, asked, NOW)
    by_part = authorize(situation().roster, ROSE, Standard.STOP, asked, NOW)
    as_admin = authorize(situation().roster, ADAM, Standard.ADMIN, asked, NOW)
    found = [its.role for its in (by_role, by_part, as_admin) if isinstance(its, ReviewerAuthorization)]
    assert found == ["senior_reviewer", "requester", "admin"]


def test_no_one_meets_a_standard_that_is_left_to_a_verbs_own_rule() -> None:
    with pytest.raises(ValueError, match="own rule"):
        authorize(situation().roster, SENTA, Standard.OWN_RULE, question_of(submitted(HARD)), NOW)
