"""`countersign callbacks`: operators list undelivered callbacks, resend them, and enable closed addresses."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.engine import make_url

from bot.cli import callbacks
from bot.cli.doctor import examination
from scheduler.callbacks.retries import Dead, Retry
from store.agents import agents
from store.audit import retention
from store.audit.tenant_record import TENANT_EVENTS
from store.engine.engines import make_engine
from tests.bot.cli.doctor.setup import faults_found, healthy_terminal, workspace
from tests.bot.terminal import Terminal, make_terminal
from tests.rules.world import DAY, NOW, OWEN
from tests.scheduler.callbacks.receiver import Receiver
from tests.scheduler.callbacks.rounds import Rounds, open_rounds
from tests.store.world import open_world


@pytest.fixture
def terminal(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Terminal:
    return make_terminal(tmp_path, database_url, monkeypatch, capsys)


@pytest.fixture
async def rounds(database_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Rounds]:
    async with open_world(database_url) as world, open_rounds(world) as rounds:
        monkeypatch.setattr("bot.cli.common.session.now", rounds.now)
        yield rounds


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = make_engine(make_url(database_url))
    yield engine
    engine.dispose()


async def given_up(rounds: Rounds, count: int = 1, why: str = "answered 500; given up after 11 attempts") -> list[str]:
    """Create so many dead callbacks, each of its own package, and return their ids."""
    for _ in range(count):
        await rounds.submit_approved("http://127.0.0.1:1/hook")
    for claimed in await rounds.courier._claim(await rounds.courier._due()):
        await rounds.courier._settle(claimed, Dead(why))
        rounds.courier._release([claimed.as_due])
    dead = [letter.callback_id for letter in await rounds.callbacks() if letter.state == "dead"]
    return dead if len(dead) >= count else await given_up(rounds, 0, why)


# ---- listing


async def test_undelivered_callbacks_are_listed_with_the_reason(rounds: Rounds, terminal: Terminal) -> None:
    assert terminal("callbacks", "list").out == "no undelivered callbacks\n"
    (dead,) = await given_up(rounds)
    result = terminal("callbacks", "list")
    for part in (dead, "package.approved", "Clerk", "http://127.0.0.1:1/hook", "answered 500; given up"):
        assert part in result.out
    assert max(map(len, result.out.splitlines())) <= 80


async def test_delivered_callbacks_are_listed_only_on_request(
    rounds: Rounds, receiver: Receiver, terminal: Terminal
) -> None:
    await rounds.submit_approved(receiver.url())
    await rounds.deliver()
    assert terminal("callbacks", "list").out == "no undelivered callbacks\n"
    assert "delivered" in terminal("callbacks", "list", "--state", "delivered").out
    assert terminal("callbacks", "list", "--state", "dead").out == "no such callbacks\n"


async def test_callbacks_can_be_printed_as_json(rounds: Rounds, terminal: Terminal) -> None:
    (dead,) = await given_up(rounds)
    (listed,) = json.loads(terminal("callbacks", "list", "--json").out)
    shown = json.loads(terminal("callbacks", "show", dead, "--json").out)
    assert listed == shown
    assert (shown["callback_id"], shown["state"], shown["attempts"], shown["agent"]) == (dead, "dead", 1, "Clerk")


async def test_callbacks_show_prints_everything_except_body_and_secret(rounds: Rounds, terminal: Terminal) -> None:
    (dead,) = await given_up(rounds)
    for form in ((), ("--json",)):
        result = terminal("callbacks", "show", dead, *form).out
        assert "last error" in result.replace("_", " ")
        assert "whsec_" not in result
        assert "proposed_action" not in result


async def test_callbacks_can_be_filtered_by_agent(rounds: Rounds, terminal: Terminal) -> None:
    await given_up(rounds)
    assert terminal("callbacks", "list", "--agent", "Other").out == "no such callbacks\n"
    assert "Clerk" in terminal("callbacks", "list", "--agent", "Clerk").out


async def test_control_characters_in_an_error_are_not_printed(rounds: Rounds, terminal: Terminal) -> None:
    await given_up(rounds, why="said \x1b[2J")
    assert "\x1b" not in terminal("callbacks", "list").out


# ---- resending


async def test_a_resent_callback_keeps_its_id_and_gets_all_its_attempts(
    rounds: Rounds, receiver: Receiver, terminal: Terminal
) -> None:
    await rounds.submit_approved(receiver.url())
    (claimed,) = await rounds.courier._claim(await rounds.courier._due())
    await rounds.courier._settle(claimed, Dead("given up"))
    rounds.courier._release([claimed.as_due])
    assert terminal("callbacks", "resend", claimed.callback_id).out == f"{claimed.callback_id} is due\n"
    letter = await rounds.only_callback()
    assert (letter.state, letter.attempts) == ("due", 0)
    await rounds.deliver()
    assert receiver.ids() == [claimed.callback_id]
    assert await rounds.states() == ["delivered"]


async def test_a_delivered_callback_can_be_resent(rounds: Rounds, receiver: Receiver, terminal: Terminal) -> None:
    await rounds.submit_approved(receiver.url())
    await rounds.deliver()
    (first,) = receiver.ids()
    assert terminal("callbacks", "resend", first).code == 0
    await rounds.deliver()
    assert receiver.ids() == [first, first]


async def test_a_due_callback_can_be_resent_early(rounds: Rounds, receiver: Receiver, terminal: Terminal) -> None:
    receiver.answers(500)
    await rounds.submit_approved(receiver.url())
    await rounds.deliver()
    assert terminal("callbacks", "resend", receiver.ids()[0]).code == 0
    await rounds.deliver()
    assert await rounds.states() == ["delivered"]


async def test_a_resent_callback_waits_for_one_of_the_same_package(
    rounds: Rounds, receiver: Receiver, terminal: Terminal
) -> None:
    await rounds.submit_escalated(receiver.url())
    (first,) = await rounds.courier._claim(await rounds.courier._due())
    await rounds.courier._settle(first, Dead("given up"))
    rounds.courier._release([first.as_due])
    assert terminal("callbacks", "resend", first.callback_id).out == f"{first.callback_id} is waiting\n"
    assert "waits for one before it" in terminal("callbacks", "resend", first.callback_id).line
    await rounds.deliver()
    assert [got.payload["type"] for got in receiver.got] == ["package.approved", "package.escalated"]


async def test_all_dead_callbacks_of_an_agent_are_resent_in_batches_with_progress(
    rounds: Rounds, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(callbacks, "BATCH", 2)
    await given_up(rounds, 5)
    assert "no callbacks to resend" in terminal("callbacks", "resend", "--all", "--agent", "Other").out
    result = terminal("callbacks", "resend", "--all", "--agent", "Clerk")
    assert (result.out, result.err) == ("5 will be sent again\n", "2 so far\n4 so far\n")
    assert await rounds.states() == ["due"] * 5


async def test_resend_all_leaves_out_callbacks_without_content(rounds: Rounds, terminal: Terminal) -> None:
    (dead,) = await given_up(rounds)
    world = rounds.world
    await world.write(lambda connection: retention.empty_content(connection, world.tenant_id, NOW + DAY, 10))
    assert "no callbacks to resend" in terminal("callbacks", "resend", "--all").out
    assert "retention has emptied the words" in terminal("callbacks", "resend", dead).line


@pytest.mark.parametrize(
    ("arguments", "code", "what"),
    [
        (("resend", "msg_nobody"), 1, "there is no callback msg_nobody; `countersign callbacks list` shows them"),
        (("show", "msg_nobody"), 1, "there is no callback msg_nobody"),
        (("resend",), 2, "give the ids, or --all"),
        (("resend", "msg_1", "--all"), 2, "give the ids, or --all"),
        (("resend", "msg_1", "--agent", "Clerk"), 2, "give the ids, or --all"),
        (("enable", "http://x.example/"), 1, "this address is not closed"),
    ],
)
def test_a_command_that_cannot_be_carried_out_says_why(
    terminal: Terminal, arguments: tuple[str, ...], code: int, what: str
) -> None:
    result = terminal("callbacks", *arguments)
    assert result.code == code
    assert what in result.line


# ---- 410


async def test_an_enabled_address_gets_its_dead_callbacks_after_resend(
    rounds: Rounds, receiver: Receiver, terminal: Terminal
) -> None:
    receiver.answers(410)
    await rounds.submit_approved(receiver.url())
    await rounds.deliver()
    assert "`countersign callbacks enable URL`" in terminal("callbacks", "resend", receiver.ids()[0]).line
    assert "no callbacks to resend" in terminal("callbacks", "resend", "--all").out
    result = terminal("callbacks", "enable", receiver.url()).out
    assert result.startswith(f"{receiver.url()} is open again\ngiven up until now: 1;")
    assert terminal("callbacks", "resend", "--all").out == "1 will be sent again\n"
    await rounds.deliver()
    assert await rounds.states() == ["delivered"]


async def test_a_429_does_not_reopen_an_address_closed_by_a_410(rounds: Rounds, receiver: Receiver) -> None:
    """Two calls are in progress: one is answered with 410, and the other later with 429."""
    await rounds.submit_approved(receiver.url())
    await rounds.submit_approved(receiver.url())
    one, other = await rounds.courier._claim(await rounds.courier._due())
    await rounds.courier._settle(one, Dead("answered 410 Gone", closed=True))
    await rounds.courier._settle(other, Retry(rounds.now(), "answered 429", quiet_until=rounds.now()))
    assert [letter.closed for letter in await rounds.callbacks()] == [True, True]


async def test_the_doctor_reports_dead_callbacks_and_closed_addresses(
    rounds: Rounds,
    receiver: Receiver,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    receiver.answers(410)
    await rounds.submit_approved(receiver.url())
    await rounds.deliver()
    async with workspace() as slack:
        terminal = healthy_terminal(rounds.world.url, slack, tmp_path, monkeypatch, capsys)
        faults = [fault for fault in await faults_found(terminal) if fault[0].startswith("callbacks")]
        monkeypatch.setattr(examination, "now", lambda: rounds.now() + 8 * DAY)
        later = [fault for fault, _ in await faults_found(terminal) if fault.startswith("callbacks")]
    assert faults == [
        (
            "callbacks: 1 of the last 7 days were given up",
            "`countersign callbacks list` says why of each; then run: countersign callbacks resend --all",
        ),
        (
            f"callbacks: {receiver.url()} answered 410 Gone, and nothing is sent there any more",
            "when its receiver is back, run `countersign callbacks enable` with this address",
        ),
    ]
    assert later == []


# ---- an agent's own address


def test_an_agents_callback_url_can_be_changed_and_removed(
    terminal: Terminal, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COUNTERSIGN_CALLBACK_ALLOW", "127.0.0.0/8")
    agent = json.loads(terminal("agents", "add", "clerk", "--owner", OWEN, "--json").out)
    assert terminal("agents", "callback", "clerk", "http://127.0.0.1/hook").code == 0
    assert terminal("agents", "callback", "clerk", "http://127.0.0.1/hook").code == 0
    assert _address(engine, agent["agent_id"]) == "http://127.0.0.1/hook"
    assert "so it must poll" in terminal("agents", "callback", "clerk", "--none").out
    assert _address(engine, agent["agent_id"]) is None
    with engine.connect() as connection:
        event_types = list(
            connection.execute(TENANT_EVENTS.select().with_only_columns(TENANT_EVENTS.c.event_type)).scalars()
        )
    assert event_types == ["agent.added", "agent.callback_changed", "agent.callback_changed"]


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (("http://127.0.0.1/hook",), "COUNTERSIGN_CALLBACK_ALLOW"),
        (("ftp://agent.example/",), "must be an http or https URL"),
        (("https://us:word@agent.example/",), "must not carry a user name"),
        ((), "give the new URL, or --none"),
        (("https://127.0.0.1/", "--none"), "COUNTERSIGN_CALLBACK_ALLOW"),
    ],
)
def test_an_agents_callback_url_is_checked_like_a_packages(
    terminal: Terminal, arguments: tuple[str, ...], what: str
) -> None:
    terminal("agents", "add", "clerk", "--owner", OWEN)
    result = terminal("agents", "callback", "clerk", *arguments)
    assert result.code == 2
    assert what in result.line


def _address(engine: Engine, agent_id: str) -> str | None:
    with engine.connect() as connection:
        tenant = connection.execute(text("SELECT tenant_id FROM installation")).scalar_one()
        agent = agents.load_agent(connection, tenant, agent_id)
    assert agent is not None
    return agent.callback_url
