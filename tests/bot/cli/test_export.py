"""`countersign export decisions` writes a row for each decision, without names and without what the policy redacts."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text

from rules.package.model import DecisionPackage
from rules.people.directory import Person
from rules.policy.model import Policy
from rules.state.commands import (
    Approve,
    ApproveWithEdits,
    HumanOverrideCommand,
    OpenDetails,
    OverrideDecision,
    Reject,
)
from rules.state.service_commands import Consent
from store.audit import retention
from tests.bot.terminal import Terminal, make_terminal
from tests.rules.world import MINUTE, NOW, RITA, ROSE, SAUL, SENTA, SUSI, ask, package, people, policy
from tests.store.audit_record import switch_off_triggers
from tests.store.world import LASTING, World, open_world

SINCE = ("--since", "2026-01-01")
REDACTING = policy(**LASTING, feedback={"redact": ["package.action_parameters.iban", "package.*.secret", "comment"]})

Row = dict[str, Any]


@pytest.fixture
def terminal(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Terminal:
    return make_terminal(tmp_path, database_url, monkeypatch, capsys)


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with open_world(database_url) as world:
        yield world


def pay(number: int, **fields: Any) -> DecisionPackage:
    return package(action_parameters={"iban": "DE00", "amount": number}, **fields)


def rows(terminal: Terminal, *options: str) -> list[Row]:
    result = terminal("export", "decisions", *SINCE, *options)
    assert (result.code, result.err) == (0, "")
    return [json.loads(line) for line in result.out.splitlines()]


async def test_each_vote_and_each_decision_that_nobody_made_is_one_row(terminal: Terminal, world: World) -> None:
    await world.submit(pay(1, risk_level="low"))
    silent = await world.submit_and_show(pay(2))
    world.clock.passes(6 * MINUTE)
    await world.after(ask(Consent, silent))
    both = await world.submit(pay(3, risk_level="critical"))
    for who in (SUSI, SAUL):
        await world.after(ask(OpenDetails, both), who)
        await world.after(ask(Approve, both, comment="Fine."), who)
    rejected = await world.submit(pay(4))
    world.clock.passes(MINUTE)
    await world.after(ask(Reject, rejected, comment="Too much."), RITA)
    decided = [(row["decided_by"], row["decision"], row["status"], row["settled"]) for row in rows(terminal)]
    assert sorted(decided) == [
        ("person", "approve", "approved", False),
        ("person", "approve", "approved", True),
        ("person", "reject", "rejected", True),
        ("policy", "approve", "approved", True),
        ("silence", "approve", "consented", True),
    ]
    [no] = [row for row in rows(terminal) if row["decision"] == "reject"]
    assert (no["comment"], no["role"], no["seconds"], no["level"]) == ("Too much.", "reviewer", 60, "soft_approval")
    assert no["why"] == [{"rule": "risk-medium", "because": "medium risk requires soft_approval"}]
    assert no["package"]["action_parameters"] == {"iban": "DE00", "amount": 4}
    assert no["edits"] == []


async def test_what_a_person_changed_is_a_list_of_changes(terminal: Terminal, world: World) -> None:
    state = await world.submit(pay(1, risk_level="high"))
    edited = {"iban": "DE00", "amount": 2}
    await world.after(ask(ApproveWithEdits, state, action_parameters=edited, comment="Half of it."), SENTA)
    [row] = rows(terminal)
    assert row["edits"] == [{"path": "action_parameters.amount", "before": 1, "after": 2, "kind": "changed"}]
    assert (row["decision"], row["comment"], row["package_version"]) == ("approve_with_edits", "Half of it.", 2)


@pytest.mark.parametrize("policy", [policy(**LASTING, feedback={"tags": ["Wrong amount", "No evidence"]})])
async def test_the_ticked_reasons_are_in_the_row(terminal: Terminal, database_url: str, policy: Policy) -> None:
    async with open_world(database_url, policy) as world:
        state = await world.submit(pay(1))
        await world.after(ask(Reject, state, comment="Ask.", tags=("No evidence",)), RITA)
    [row] = rows(terminal)
    assert (row["tags"], row["comment"]) == (["No evidence"], "Ask.")


async def test_what_came_later_is_in_the_row(terminal: Terminal, world: World) -> None:
    state = await world.submit_and_approve(pay(1), by=RITA)
    await world.claim(state)
    await world.report(state, "failed")
    [row] = rows(terminal)
    assert (row["status"], row["outcome"], row["verdict"]) == ("approved", "failed", None)


async def test_an_override_says_what_was_overridden(terminal: Terminal, world: World) -> None:
    state = await world.submit(pay(1, risk_level="high"))
    stop = {"override_decision": OverrideDecision.STOP, "override_reason": "Not now."}
    await world.after(ask(HumanOverrideCommand, state, **stop), SENTA)
    [row] = rows(terminal)
    assert (row["decision"], row["override_decision"], row["comment"]) == (
        "override",
        "stop",
        "Not now.\nI looked at it.",
    )


async def test_people_have_pseudonyms_that_stay_the_same(terminal: Terminal, world: World) -> None:
    for number in (1, 2):
        await world.submit_and_approve(pay(number, on_behalf_of=[ROSE]), by=RITA)
    out = terminal("export", "decisions", *SINCE).out
    known: dict[str, Person] = people()
    assert [user for user, person in known.items() if user in out or (person.email or "@") in out] == []
    pseudonyms = {(row["person"], row["requested_by"]) for row in rows(terminal)}
    assert len(pseudonyms) == 1
    assert all(name.startswith("person-") for pair in pseudonyms for name in pair)


@pytest.mark.parametrize("policy", [REDACTING])
async def test_what_the_policy_redacts_is_not_exported(terminal: Terminal, database_url: str, policy: Policy) -> None:
    async with open_world(database_url, policy) as world:
        state = await world.submit(pay(1, risk_level="high", metadata={"secret": "42", "ticket": "7"}))
        edited = {"iban": "DE99", "amount": 2}
        await world.after(ask(ApproveWithEdits, state, action_parameters=edited, comment="Ask Jo."), SENTA)
    [row] = rows(terminal)
    assert row["package"]["action_parameters"] == {"iban": "redacted", "amount": 2}
    assert row["package"]["metadata"] == {"secret": "redacted", "ticket": "7"}
    assert [change["path"] for change in row["edits"]] == ["action_parameters.amount"]
    assert row["comment"] == "redacted"
    out = terminal("export", "decisions", *SINCE).out
    assert not any(words in out for words in ("DE00", "DE99", '"42"', "Ask Jo"))


@pytest.mark.parametrize("policy", [policy(**LASTING, feedback={"redact": ["package"]})])
async def test_a_package_can_be_redacted_whole(terminal: Terminal, database_url: str, policy: Policy) -> None:
    async with open_world(database_url, policy) as world:
        state = await world.submit(pay(1, risk_level="high"))
        await world.after(ask(ApproveWithEdits, state, action_parameters={"iban": "DE99", "amount": 2}), SENTA)
    [row] = rows(terminal)
    assert (row["package"], row["edits"], row["decision"]) == ("redacted", [], "approve_with_edits")


async def test_a_row_whose_words_retention_has_emptied_keeps_its_facts(terminal: Terminal, world: World) -> None:
    state = await world.submit_and_approve(pay(1), by=RITA)
    await world.write(lambda connection: retention.empty_content(connection, state.tenant_id, NOW + 9 * MINUTE, 10))
    [row] = rows(terminal)
    assert (row["package"], row["comment"], row["edits"]) == (None, None, [])
    assert (row["decision"], row["risk"], row["status"]) == ("approve", "medium", "approved")


async def test_only_decisions_of_the_time_and_type_are_exported(terminal: Terminal, world: World) -> None:
    await world.submit_and_approve(pay(1), by=RITA)
    world.clock.passes(MINUTE)
    between = world.clock().isoformat()
    await world.submit_and_approve(pay(2), by=RITA)
    assert [row["package"]["action_parameters"]["amount"] for row in rows(terminal, "--until", between)] == [1]
    late = terminal("export", "decisions", "--since", between).out.splitlines()
    assert [json.loads(line)["package"]["action_parameters"]["amount"] for line in late] == [2]
    assert rows(terminal, "--action-type", "mail.send") == []


async def test_the_table_has_the_same_rows_and_runs_no_formula(terminal: Terminal, world: World) -> None:
    await world.after(ask(Reject, await world.submit(pay(1)), comment="=1+1"), RITA)
    [row] = csv.DictReader(io.StringIO(terminal("export", "decisions", *SINCE, "--csv").out))
    [known] = rows(terminal, "--jsonl")
    assert list(row) == list(known)
    assert (row["comment"], row["decision"]) == ("'=1+1", "reject")
    assert json.loads(row["package"]) == known["package"]


def _forge(connection: Connection) -> None:
    switch_off_triggers(connection)
    connection.execute(text("UPDATE content SET words = '[1]'"))


async def test_a_changed_record_is_not_exported(terminal: Terminal, world: World) -> None:
    await world.submit_and_approve(pay(1), by=RITA)
    await world.write(_forge)
    result = terminal("export", "decisions", *SINCE)
    assert (result.code, result.line) == (
        1,
        "countersign: the record cannot be read: `countersign audit verify` says where",
    )
