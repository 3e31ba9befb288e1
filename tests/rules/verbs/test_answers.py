"""An answer has the form that its question asks for."""

from __future__ import annotations

from typing import Any

import pytest

from rules.package.model import DecisionPackage
from rules.reasons import Reason
from rules.state.commands import Answer
from rules.state.model import Status
from tests.rules.world import RITA, after, ask, package, refusal, submitted_state, transition_of

SCHEMA = {"type": "object", "properties": {"units": {"type": "integer"}, "note": {"type": "string"}}}


def question(**fields: Any) -> DecisionPackage:
    return package(kind="question", action_parameters=None, **fields)


OFFERED = question(answers=["Blue", "Green"])
BOUND = question(answers=["Blue", "Green"], free_answer=False)
FORM = question(response_schema=SCHEMA)


@pytest.mark.parametrize(
    ("asked", "fields"),
    [
        pytest.param(OFFERED, {"answer": "Blue"}, id="an offered answer"),
        pytest.param(OFFERED, {"answer": "Red"}, id="another answer"),
        pytest.param(BOUND, {"answer": "Green"}, id="one of a closed list"),
        pytest.param(FORM, {"answer": None, "answer_data": {"units": 3}}, id="a form"),
        pytest.param(FORM, {"answer": None, "answer_data": {}}, id="a form without its optional values"),
    ],
)
def test_an_answer_that_fits_its_question_is_recorded(asked: DecisionPackage, fields: dict[str, Any]) -> None:
    state = submitted_state(asked)
    decided = transition_of(state, ask(Answer, state, **fields), by=RITA, package=asked)
    assert decided.after.status is Status.APPROVED
    words = next(iter(decided.words.values()))
    assert words.get("answer_data") == fields.get("answer_data")


def test_the_data_of_a_form_are_also_recorded_as_a_text() -> None:
    state = submitted_state(FORM)
    command = ask(Answer, state, answer=None, answer_data={"units": 3, "note": "ok"})
    words = next(iter(transition_of(state, command, by=RITA, package=FORM).words.values()))
    assert words["answer"] == 'units: 3\nnote: "ok"'


@pytest.mark.parametrize(
    ("asked", "fields", "reason"),
    [
        pytest.param(BOUND, {"answer": "Red"}, Reason.ANSWER_NOT_OFFERED, id="not in a closed list"),
        pytest.param(FORM, {"answer": "three"}, Reason.ANSWER_NOT_VALID, id="words for a form"),
        pytest.param(
            FORM, {"answer": "x", "answer_data": {"units": 3}}, Reason.ANSWER_NOT_VALID, id="words and a form"
        ),
        pytest.param(FORM, {"answer": None, "answer_data": {"units": "3"}}, Reason.ANSWER_NOT_VALID, id="a wrong type"),
        pytest.param(
            FORM, {"answer": None, "answer_data": {"more": 3}}, Reason.ANSWER_NOT_VALID, id="a value too many"
        ),
        pytest.param(
            OFFERED, {"answer": None, "answer_data": {"units": 3}}, Reason.ANSWER_NOT_VALID, id="no form asked"
        ),
        pytest.param(OFFERED, {"answer": None}, Reason.ANSWER_NOT_VALID, id="nothing"),
    ],
)
def test_an_answer_that_does_not_fit_its_question_is_refused(
    asked: DecisionPackage, fields: dict[str, Any], reason: Reason
) -> None:
    state = submitted_state(asked)
    assert refusal(state, ask(Answer, state, **fields), by=RITA, package=asked) is reason


def test_a_question_whose_content_is_gone_cannot_be_answered() -> None:
    state = submitted_state(FORM)
    command = ask(Answer, state, answer=None, answer_data={"units": 3})
    assert refusal(state, command, by=RITA, package=None) is Reason.ANSWER_NOT_VALID


def test_a_trial_asks_only_who_may_answer() -> None:
    state = submitted_state(BOUND)
    assert after(state, ask(Answer, state, answer="–"), by=RITA, package=BOUND, trial=True).status is Status.APPROVED
