"""`countersign policy check` and `explain`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.engine import make_url
from sqlmodel import SQLModel

from store.engine.engines import make_engine, transact
from store.installation import directory
from tests.bot.terminal import POLICY, CommandResult, Terminal, make_terminal
from tests.rules.world import (
    AUTOMATIC,
    CRITICAL,
    HARD,
    NOW,
    RITA,
    ROSE,
    ROSS,
    SENTA,
    SOFT,
    SUSI,
    TAKEOVER,
    package,
    people,
)


@pytest.fixture
def terminal(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Terminal:
    return make_terminal(tmp_path, database_url, monkeypatch, capsys)


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = make_engine(make_url(database_url))
    yield engine
    engine.dispose()


@pytest.fixture
def known(engine: Engine) -> None:
    """Fill the directory."""
    transact(engine, lambda connection: directory.replace_directory(connection, people().values(), {}, NOW))


def draft(content: Any) -> str:
    return json.dumps(content.model_dump(mode="json", exclude_unset=True))


def explain(terminal: Terminal, content: Any, *how: str) -> CommandResult:
    return terminal("policy", "explain", terminal.file("draft.json", draft(content)), *how)


def explain_json(terminal: Terminal, content: Any) -> dict[str, Any]:
    explanation: dict[str, Any] = json.loads(explain(terminal, content, "--json").out)
    return explanation


def one_line(result: CommandResult) -> str:
    return " ".join(result.out.split())


# ---- checking


def test_a_valid_policy_is_summarized(terminal: Terminal) -> None:
    result = terminal("policy", "check")
    assert (result.code, result.err) == (0, "")
    assert result.out.startswith("Policy test-1+")
    assert "senior reviewer: USENTA" in result.out


def test_the_shipped_policy_is_valid_and_warns_of_empty_roles(terminal: Terminal) -> None:
    default_policy = Path(__file__).parents[4] / "policy.toml"
    result = terminal("policy", "check", str(default_policy))
    text = " ".join(result.out.split())
    assert result.code == 0
    assert "nobody holds these roles, so packages that need them are refused: reviewer, senior_reviewer" in text
    assert "nobody is told if Slack refuses calls" in text


def test_every_fault_is_a_line_that_names_its_key(terminal: Terminal) -> None:
    wrong = POLICY.replace('max_risk = "high"', 'max_risk = "huge"') + '\n[tiers.high]\nlevel = "soft_approval"\n'
    path = terminal.file("wrong.toml", wrong)
    result = terminal("policy", "check", path)
    assert (result.code, result.out) == (1, "")
    risk, tier = result.err.splitlines()
    assert risk == f'{path}: roles.senior_reviewer.max_risk = "huge": must be one of: low, medium, high, critical'
    assert tier.startswith(f'{path}: tiers.high.level = "soft_approval": must be hard_approval')


def test_a_missing_file_is_named(terminal: Terminal) -> None:
    assert terminal("policy", "check", "nowhere.toml").line == "countersign: nowhere.toml: No such file or directory"


# ---- explaining


@pytest.mark.usefixtures("known")
def test_every_rule_that_fired_is_named_with_its_level(terminal: Terminal) -> None:
    result = explain(terminal, HARD)
    assert (result.code, result.err) == (0, "")
    assert "risk-high: hard_approval, high risk requires hard_approval" in result.out
    assert max(map(len, result.out.splitlines())) <= 80


@pytest.mark.usefixtures("known")
def test_explain_lists_the_reviewers_without_the_barred_ones(terminal: Terminal) -> None:
    content = package(risk_level="medium", requested_by=RITA)
    explanation = explain_json(terminal, content)
    assert explanation["asked"][0] == {
        "role": "reviewer",
        "people": ["dora (UDORA)", f"ross ({ROSS})", f"senta ({SENTA})", f"susi ({SUSI})"],
    }
    assert explanation["people_unknown"] is None
    assert "first reviewer: dora (UDORA), ross (UROSS)" in explain(terminal, content).out


@pytest.mark.usefixtures("known")
def test_explain_shows_the_quorum_and_the_escalation_ladder(terminal: Terminal) -> None:
    content = package(risk_level="critical")
    explanation = explain_json(terminal, content)
    assert (explanation["role"], explanation["quorum"], explanation["of_role"]) == (
        "senior_reviewer",
        2,
        {"supervisor": 1},
    )
    assert (explanation["ladder"], explanation["hard_timeout"]) == (["supervisor"], "1d")
    text = one_line(explain(terminal, content))
    assert "it takes 2 people as senior_reviewer, 1 of them as supervisor; a comment is required" in text
    assert "then supervisor: dora (UDORA), susi (USUSI)" in text
    assert "people are reminded 4h and 1h before the end" in text


@pytest.mark.usefixtures("known")
def test_explain_shows_when_silence_approves(terminal: Terminal) -> None:
    assert "silence consents after 5m" in explain(terminal, SOFT).out


@pytest.mark.usefixtures("known")
def test_explain_says_if_a_package_needs_nobody(terminal: Terminal) -> None:
    result = explain(terminal, AUTOMATIC)
    assert "nobody: it goes ahead" in result.out
    assert "Time" not in result.out
    assert explain_json(terminal, AUTOMATIC)["asked"] == []


@pytest.mark.usefixtures("known")
def test_explain_shows_a_takeover(terminal: Terminal) -> None:
    assert explain_json(terminal, TAKEOVER)["level"] == "human_takeover"


@pytest.mark.usefixtures("known")
def test_explain_reports_gaps_that_would_be_refused(terminal: Terminal) -> None:
    bare = CRITICAL.model_copy(update={"consequence": None, "evidence_refs": ()})
    explanation = explain_json(terminal, bare)
    assert explanation["quality_gaps"] == ["evidence_refs", "consequence"]
    assert explanation["refusal"] == "at critical risk it would be refused without these: evidence_refs, consequence"
    assert explain_json(terminal, CRITICAL)["refusal"] is None


@pytest.mark.usefixtures("known")
def test_explain_says_if_nobody_may_decide(terminal: Terminal) -> None:
    terminal.file("policy.toml", POLICY.replace(SENTA, ROSE).replace(SUSI, ROSE).replace("UDORA", ROSE))
    assert explain_json(terminal, HARD)["refusal"] == "it would be refused: nobody could decide it as senior_reviewer"


def test_explain_shows_the_policys_own_list_while_the_directory_is_empty(terminal: Terminal) -> None:
    explanation = explain_json(terminal, SOFT)
    assert "was not filled yet" in explanation["people_unknown"]
    assert explanation["asked"][0]["people"] == [RITA, ROSS, SENTA, SUSI, "UDORA"]
    assert explanation["refusal"] is None
    assert "nobody is known by name yet" in explain(terminal, SOFT).out


def test_explain_reports_a_stale_directory(terminal: Terminal, engine: Engine) -> None:
    then = NOW - timedelta(days=1001)
    transact(engine, lambda connection: directory.replace_directory(connection, people().values(), {}, then))
    assert "is older than 1000d" in explain_json(terminal, SOFT)["people_unknown"]


@pytest.mark.parametrize("url", ["sqlite:///nowhere.db", "postgresql://us:word@127.0.0.1:1/x"], ids=["none", "down"])
def test_explain_works_without_a_database(terminal: Terminal, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("COUNTERSIGN_DATABASE_URL", url)
    explanation = explain_json(terminal, SOFT)
    assert explanation["level"] == "soft_approval"
    assert "database" in explanation["people_unknown"]
    assert not (terminal.folder / "nowhere.db").exists()


@pytest.mark.usefixtures("known")
def test_explain_writes_nothing(terminal: Terminal, engine: Engine) -> None:
    def sizes() -> dict[str, int]:
        tables = SQLModel.metadata.tables.items()
        with engine.connect() as connection:
            return {
                name: connection.execute(select(func.count()).select_from(table)).scalar_one() for name, table in tables
            }

    before = sizes()
    assert explain(terminal, HARD).code == 0
    assert sizes() == before


# ---- invalid drafts


def test_every_wrong_field_of_a_draft_is_one_line(terminal: Terminal) -> None:
    path = terminal.file("draft.json", '{"title": "t", "action_type": "x y", "confidence": 7, "cunning": 1}')
    result = terminal("policy", "explain", path)
    assert (result.code, result.out) == (1, "")
    fields = [line.removeprefix(f"{path}: ").partition(": ")[0] for line in result.err.splitlines()]
    assert {"action_type", "confidence", "rationale", "risk_level", "cunning"} <= set(fields)


@pytest.mark.parametrize(
    ("text", "line"), [("{", "this is not JSON"), ("[]", "must be a JSON object"), ('{"a": NaN}', "this is not JSON")]
)
def test_a_draft_that_is_not_a_json_object_is_one_line(terminal: Terminal, text: str, line: str) -> None:
    result = terminal("policy", "explain", terminal.file("draft.json", text))
    assert (result.code, f"draft.json: {line}" in result.line) == (1, True)
