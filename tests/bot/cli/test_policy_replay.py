"""`countersign policy replay` says what a policy would have asked about earlier packages, and what came of them."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.engine import make_url
from sqlmodel import SQLModel

from rules.policy.model import Policy
from rules.state.commands import Approve, Object, Reject
from rules.state.model import PackageState
from store.audit import retention
from store.engine.engines import make_engine
from tests.bot.terminal import Terminal, make_terminal
from tests.rules.world import DAY, HARD, HOUR, MINUTE, NOW, RITA, SENTA, SOFT, ask, package, policy, policy_text
from tests.store.audit_record import tamper
from tests.store.world import LASTING, World, open_world, submission

ROOT = Path(__file__).parent.parent.parent.parent
EARLIER = NOW - 3 * DAY
NEW: dict[str, Any] = {
    "version": "2026-12",
    "tiers": {"low": {"level": "soft_approval"}, "medium": {"level": "notify_only"}, "high": {"role": "reviewer"}},
    "actions": {"mail.send": {"reversibility": "reversible"}},
    "roles": {"reviewer": {"max_risk": "high"}},
}


@pytest.fixture
def terminal(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Terminal:
    return make_terminal(tmp_path, database_url, monkeypatch, capsys)


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with open_world(database_url) as world:
        world.clock.now = EARLIER
        yield world


def new(**changes: Any) -> Policy:
    return policy(**LASTING | changes, version="test-2")


def document(terminal: Terminal, changed: Policy, *options: str) -> dict[str, Any]:
    result = terminal("policy", "replay", terminal.file("new.toml", policy_text(changed)), "--json", *options)
    assert (result.code, result.err) == (0, "")
    parsed: dict[str, Any] = json.loads(result.out)
    return parsed


async def propose(world: World, number: int, title: str, action_type: str, **fields: Any) -> PackageState:
    world.clock.passes(10 * MINUTE)
    name = f"case-{number}"
    given = {"risk_level": "medium", "thread_id": name, "subject_id": name, "action_parameters": {"case": name}}
    content = package(**given | fields, title=title, action_type=action_type)
    command = submission(content, f"pkg_{number:04d}")
    answered = await world.execute_for_agent(command)
    assert answered.refusal is None, answered.refusal.sentence
    return await world.state(command.decision_package_id)


async def live_through(world: World) -> None:
    """Seven packages: two mails of four went wrong or met a No, and so did one payment of two."""
    objected = await propose(world, 1, "Remind Harbour Foods of its permit", "mail.send")
    await world.after(ask(Object, objected, comment="Their permit is valid."), RITA)
    rejected = await propose(world, 2, "Pay invoice 4711 a second time", "payment.send", risk_level="high")
    await world.after(ask(Reject, rejected, comment="It is paid."), SENTA)
    world.clock.passes(25 * HOUR)
    for number, title, outcome in (
        (3, "Send the minutes to Quayside Fish", "succeeded"),
        (4, "Send the notice to Entity ABC", "failed"),
    ):
        state = await propose(world, number, title, "mail.send")
        await world.after(ask(Approve, state), RITA)
        world.clock.passes(MINUTE)
        await world.claim(state)
        await world.report(state, outcome)
    await propose(world, 5, "Send the reminder to Entity ABC", "mail.send")
    paid = await propose(world, 6, "Pay invoice 4712", "payment.send", risk_level="high")
    await world.after(ask(Approve, paid), SENTA)
    await propose(world, 7, "Read the register", "record.read", risk_level="low")


async def test_the_documentation_shows_a_real_output(terminal: Terminal, world: World) -> None:
    await live_through(world)
    file = terminal.file("2026-12.toml", policy_text(policy(**LASTING | NEW)))
    result = terminal("policy", "replay", file)
    assert (result.code, result.err) == (0, "")
    documented = (ROOT / "docs" / "policy.md").read_text()
    assert f"```\n{without_digest(result.out)}```\n" in without_digest(documented)


def without_digest(output: str) -> str:
    """Without the digests of policies, which change with each new setting."""
    return re.sub(r"\+[0-9a-f]{12}\b", "", output)


NOTHING: dict[str, Any] = {
    "role": None, "quorum": 0, "of_role": {}, "comment_required": False, "details_first": False, "soft_timeout": None,
}  # fmt: skip


async def test_json_has_all_that_the_text_says(terminal: Terminal, world: World) -> None:
    await live_through(world)
    parsed = document(terminal, policy(**LASTING | NEW), "--since", "30d")
    assert (parsed["packages"], parsed["replayed"], sum(parsed["not_replayable"].values())) == (7, 7, 0)
    assert parsed["then"] == {"asked": 2, "soft": 4, "spared": 1, "refused": None}
    assert parsed["new"] == {"asked": 2, "soft": 1, "spared": 4, "refused": 0}
    assert list(parsed["policies_then"].values()) == [7]
    assert parsed["shifts"] == {"laxer": 6, "stricter": 1, "other": 0, "same": 0}
    assert [counts["action_type"] for counts in parsed["by_type"]] == ["mail.send", "payment.send", "record.read"]
    assert [(entry["decision_package_id"], entry["came_of_it"]) for entry in parsed["evidence"]] == [
        ("pkg_0004", ["failed"]),
        ("pkg_0002", ["rejected"]),
        ("pkg_0001", ["objected_to"]),
    ]
    assert parsed["went_wrong"] == {"asked": 0, "soft": 0, "spared": 1, "refused": 0, "not_replayable": 0}
    assert sum(parsed["laxer_without_trace"].values()) == 3
    failed = parsed["evidence"][0]
    assert (failed["title"], failed["action_type"]) == ("Send the notice to Entity ABC", "mail.send")
    assert failed["then"] == NOTHING | {
        "involvement": "soft", "level": "soft_approval", "role": "reviewer", "quorum": 1, "soft_timeout": "5m",
    }  # fmt: skip
    assert failed["new"] == NOTHING | {"involvement": "spared", "level": "notify_only"}
    assert parsed["asked_today"]["roles"][0]["packages"] == 3
    assert parsed["since"] == "2026-10-21T12:00:00Z"


async def test_an_old_package_is_not_in_a_short_period(terminal: Terminal, world: World) -> None:
    await world.submit(SOFT)
    assert document(terminal, new(), "--since", "4d")["packages"] == 1
    assert document(terminal, new(), "--since", "2d")["packages"] == 0


async def test_without_packages_one_line_says_so(terminal: Terminal, world: World) -> None:
    result = terminal("policy", "replay", terminal.file("new.toml", policy_text(new())))
    assert (result.code, result.err) == (0, "")
    assert result.out.splitlines()[-1] == "No package was submitted in this time."
    assert world.tenant_id


def test_a_policy_that_is_not_valid_is_refused_with_every_fault(terminal: Terminal) -> None:
    broken = terminal.file(
        "broken.toml", 'version = "x"\nroles = {}\n[soft]\nsample = 2\n[windows]\nrejections = "1h"\n'
    )
    result, checked = terminal("policy", "replay", broken), terminal("policy", "check", broken)
    assert (result.code, result.out) == (1, "")
    assert result.err == checked.err
    assert len(result.err.splitlines()) > 1


@pytest.mark.parametrize(
    "arguments", [["missing.toml"], ["policy.toml", "--since", "soon"], ["policy.toml", "--since", "0d"]], ids=str
)
def test_a_wrong_call_is_one_line(terminal: Terminal, arguments: list[str]) -> None:
    result = terminal("policy", "replay", *arguments)
    assert (result.code, len(result.err.splitlines())) == (1 if "missing.toml" in arguments else 2, 1)


async def test_nothing_is_written(terminal: Terminal, world: World) -> None:
    await live_through(world)
    before = await world.read(count_everything)
    document(terminal, new())
    assert await world.read(count_everything) == before


def count_everything(connection: Connection) -> list[int]:
    return [
        connection.execute(text(f"SELECT count(*) FROM {table.name}")).scalar_one()
        for table in SQLModel.metadata.sorted_tables
    ]


async def test_emptied_packages_are_counted_with_their_reason(terminal: Terminal, world: World) -> None:
    await world.after(ask(Reject, await world.submit(HARD)), SENTA)
    await world.write(lambda connection: retention.empty_content(connection, world.tenant_id, NOW, 10))
    result = terminal("policy", "replay", terminal.file("new.toml", policy_text(new())))
    assert "0 of 1 packages are replayed\n  1 not replayable: content emptied by retention" in result.out


async def test_many_types_are_cut_in_the_text_the_laxer_ones_first_and_are_all_in_json(
    terminal: Terminal, world: World
) -> None:
    for number in range(25):
        await world.submit(package(action_type=f"record.list{number:02}", subject_id=str(number), risk_level="low"))
    await world.submit(SOFT)
    file = terminal.file("new.toml", policy_text(policy(**LASTING | NEW)))
    lines = terminal("policy", "replay", file).out.splitlines()
    first = next(place for place, line in enumerate(lines) if line.startswith("THEN > NEW"))
    assert lines[first + 1].startswith("record.read")
    assert lines[first + 22 : first + 23] == ["... and 6 more; --json lists all"]
    assert len(document(terminal, policy(**LASTING | NEW))["by_type"]) == 26


async def test_a_long_title_does_not_break_the_lines(terminal: Terminal, world: World) -> None:
    await world.after(ask(Reject, await world.submit(package(title="Read the record " * 9))), RITA)
    out = terminal("policy", "replay", terminal.file("new.toml", policy_text(policy(**LASTING | NEW)))).out
    assert "Read the record Read" in out
    assert max(map(len, out.splitlines())) <= 80


async def test_changed_terms_are_shown_and_nothing_else_is_called_the_same(terminal: Terminal, world: World) -> None:
    await world.submit(HARD)
    silent = terminal.file("silent.toml", policy_text(policy(**LASTING, tiers={"high": {"comment_required": False}})))
    out = terminal("policy", "replay", silent).out
    assert ("no comment" in out, "asked the same" in out) == (True, False)
    assert (
        "All of them are asked the same."
        in terminal("policy", "replay", terminal.file("b.toml", policy_text(new()))).out
    )


async def test_a_replay_says_that_other_people_hold_a_role_and_what_is_not_tried(
    terminal: Terminal, world: World
) -> None:
    await world.submit(HARD)
    wider = new(roles={"senior_reviewer": {"members": [RITA]}}, separation={"second_pair_of_eyes": False})
    out = terminal("policy", "replay", terminal.file("new.toml", policy_text(wider))).out
    assert "The policy changes who holds these roles, or how far they reach: senior_reviewer" in " ".join(out.split())
    assert "Changed, and not tried: separation.second_pair_of_eyes." in " ".join(out.split())


async def test_an_old_directory_names_nobody(terminal: Terminal, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await world.submit(HARD)
    monkeypatch.setattr("bot.cli.common.session.now", lambda: NOW + 2 * HOUR)
    stale = terminal.file("stale.toml", policy_text(policy(version="test-2", directory={"max_age": "1h"})))
    out = terminal("policy", "replay", stale).out
    assert "Today's directory of people is not current, so nobody is named." in out
    assert "senta" not in out


# ---- before a policy is applied ------------------------------------------------------------------------------------


async def test_apply_shows_what_the_policy_would_have_asked(terminal: Terminal, world: World) -> None:
    await live_through(world)
    result = terminal("policy", "apply", terminal.file("new.toml", policy_text(policy(**LASTING | NEW))))
    assert (result.code, "add --yes" in result.err) == (1, True)
    lines = result.out.splitlines()
    assert "Tried on 7 of the 7 packages since 2026-10-21T12:00Z:" in lines
    assert "  asked 2, soft 4 > 1, spared 1 > 4, refused -" in lines
    assert any(line.startswith("  pkg_0004 ") for line in lines)
    assert lines[-1].startswith("For more: countersign policy replay ")


async def test_apply_takes_only_the_newest_packages(
    terminal: Terminal, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await live_through(world)
    monkeypatch.setattr("bot.cli.policy.trial.MAX_PACKAGES", 3)
    result = terminal("policy", "apply", terminal.file("new.toml", policy_text(policy(**LASTING | NEW))), "--yes")
    assert result.code == 0
    assert "Tried on 3 of the 3 packages since 2026-11-18T13:52Z" in result.out


async def test_apply_says_that_most_packages_could_not_be_tried(terminal: Terminal, world: World) -> None:
    await world.submit(SOFT)
    change(world, "UPDATE events SET body = '{}'")
    file = terminal.file("new.toml", policy_text(new()))
    replayed = terminal("policy", "replay", file)
    assert (replayed.code, "0 of 1 packages are replayed" in replayed.out) == (0, True)
    result = terminal("policy", "apply", file, "--yes")
    assert (result.code, result.err) == (0, "")
    assert "  Most packages could not be tried." in result.out
    assert "1 not replayable: this release cannot read it" in result.out
    assert result.out.splitlines()[-1].startswith("applied: test-2")


def change(world: World, statement: str) -> None:
    engine = make_engine(make_url(world.url))
    assert tamper(engine, statement) > 0
    engine.dispose()


async def test_a_record_that_cannot_be_read_keeps_no_policy_from_being_applied(
    terminal: Terminal, world: World
) -> None:
    await world.submit(SOFT)
    change(world, "UPDATE tenant_events SET body = '{}' WHERE event_type = 'policy.activated'")
    file = terminal.file("new.toml", policy_text(new()))
    refused = terminal("policy", "replay", file)
    assert (refused.code, refused.line) == (
        1,
        "countersign: the record cannot be read: `countersign audit verify` says where",
    )
    result = terminal("policy", "apply", file, "--yes")
    assert (result.code, result.err) == (0, "")
    assert "Not tried on earlier packages: the record cannot be read" in result.out
    assert result.out.splitlines()[-1].startswith("applied: test-2")


async def test_apply_does_not_wait_long_for_the_trial(
    terminal: Terminal, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.submit(SOFT)
    monkeypatch.setattr("bot.cli.policy.trial.MAX_TIME", timedelta(0))
    file = terminal.file("new.toml", policy_text(new()))
    lines = terminal("policy", "apply", file, "--yes").out.splitlines()
    assert "Not tried on earlier packages: it took more than 0s" in lines
    assert f"To try it: countersign policy replay {file}" in lines
    assert lines[-1].startswith("applied: test-2")


async def test_ctrl_c_ends_the_trial_and_not_the_command(
    terminal: Terminal, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.submit(SOFT)

    def interrupted() -> float:
        raise KeyboardInterrupt

    monkeypatch.setattr("bot.cli.policy.trial.monotonic", interrupted)
    file = terminal.file("new.toml", policy_text(new()))
    lines = terminal("policy", "apply", file, "--yes").out.splitlines()
    assert f"Not tried on earlier packages. To try it: countersign policy replay {file}" in lines
    assert lines[-1].startswith("applied: test-2")
