"""`countersign-gate` asks for shells and CI, and its exit code says what people decided."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from countersign import Client, Patience, cli
from countersign.cli_options import make_parser
from rules.state.commands import Revoke, Verb
from tests.bot.slack.office import HARD, SENTA, Office
from tests.rules.world import DAY
from tests.sdk.agents import Agent
from tests.sdk.network import Network

PROPOSAL = json.dumps(HARD | {"recommendation": "clarify"})
QUESTION = json.dumps({name: said for name, said in HARD.items() if name != "action_parameters"} | {"kind": "question"})
SOFTLY = ["--action-type", "record.read", "--risk-level", "low", "--confidence", "0.95", "--rationale", "Asked for."]


class Ran:
    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out.strip(), err


Gate = Callable[..., Awaitable[Ran]]


Started = Callable[..., Awaitable[asyncio.subprocess.Process]]


@pytest.fixture
def started(office: Office, wire: Network) -> Started:
    def start(*arguments: str, **environment: str) -> Awaitable[asyncio.subprocess.Process]:
        return asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "countersign.cli", *arguments),
            env=os.environ | {"COUNTERSIGN_URL": wire.url, "COUNTERSIGN_AGENT_KEY": office.key} | environment,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )

    return start


@pytest.fixture
def gate(started: Started) -> Gate:
    async def ran(*arguments: str, stdin: str = "", **environment: str) -> Ran:
        process = await started(*arguments, **environment)
        out, err = await process.communicate(stdin.encode())
        assert process.returncode is not None
        return Ran(process.returncode, out.decode(), err.decode())

    return ran


async def test_a_request_that_waits_prints_the_parameters_as_approved(watcher: Agent, gate: Gate) -> None:
    asking = asyncio.ensure_future(gate("request", "--file", "-", "--wait", stdin=PROPOSAL))
    await watcher.office.approve(SENTA, await watcher.card(await watcher.proposed()))
    ran = await asking
    assert (ran.code, json.loads(ran.out)) == (0, HARD["action_parameters"])
    assert "Checked." in ran.err


@pytest.mark.parametrize(
    ("arguments", "role"),
    [
        (["run", *SOFTLY, "--risk-level", "medium", "--", sys.executable, "-c", ""], "reviewer"),
        (["request", "--file", PROPOSAL, "--wait"], "senior reviewer"),
    ],
    ids=["run", "request"],
)
async def test_who_waits_reads_for_whom_as_soon_as_it_is_asked(
    watcher: Agent, started: Started, arguments: list[str], role: str
) -> None:
    waiting = await started(*arguments)
    assert waiting.stderr is not None
    line = (await waiting.stderr.readline()).decode()
    assert f"{(await watcher.proposed()).id} waits for a {role}, until 20" in line
    await watcher.gives(Verb.REJECT, comment="No.")
    assert "waits for" not in (await waiting.stderr.read()).decode()
    assert await waiting.wait() == cli.Code.REFUSED


async def test_where_nobody_is_asked_nobody_is_waited_for(gate: Gate) -> None:
    ran = await gate("run", *SOFTLY, "--", sys.executable, "-c", "")
    assert (ran.code, ran.err) == (0, "")


async def test_ctrl_c_ends_the_waiting_with_a_sentence_and_withdraws_nothing(watcher: Agent, started: Started) -> None:
    asking = await started("request", "--file", "-", "--wait")
    assert asking.stdin is not None
    asking.stdin.write(PROPOSAL.encode())
    asking.stdin.write_eof()
    package = await watcher.proposed()
    asking.send_signal(signal.SIGINT)
    _, err = await asking.communicate()
    assert (asking.returncode, "Traceback" in err.decode()) == (130, False)
    assert "interrupted" in err.decode()
    assert (await watcher.card(package)).labels


def said(capsys: Any) -> str:
    """The last line of it: the service writes its log to the same place here."""
    return str(capsys.readouterr().out).splitlines()[-1]


OVERRULED = {"override_reason": "I know the case.", "evidence_refs": "ticket 7"}
CODES: list[tuple[Verb, dict[str, str], cli.Code]] = [
    (Verb.REJECT, {"comment": "No."}, cli.Code.REFUSED),
    (Verb.TAKE_OVER, {"comment": "Mine."}, cli.Code.REFUSED),
    (Verb.REVISE, {"instructions": "Another."}, cli.Code.CHANGES_WANTED),
    (Verb.REQUEST_MORE_EVIDENCE, {"instructions": "Show it."}, cli.Code.CHANGES_WANTED),
    (Verb.OVERRIDE, {"override_decision": "stop", **OVERRULED}, cli.Code.REFUSED),
    (Verb.OVERRIDE, {"override_decision": "proceed", **OVERRULED}, cli.Code.PERMITTED),
]


@pytest.fixture
def main(office: Office, wire: Network, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Awaitable[int]]:
    """The same without a process of its own."""
    monkeypatch.setenv("COUNTERSIGN_URL", wire.url)
    monkeypatch.setenv("COUNTERSIGN_AGENT_KEY", office.key)

    def called(*arguments: str) -> int:
        with pytest.raises(SystemExit) as ended:
            cli.main(arguments)
        return int(ended.value.code or 0)

    return lambda *arguments: asyncio.to_thread(called, *arguments)


async def test_a_request_that_does_not_wait_prints_its_id_for_later(
    watcher: Agent, main: Any, capsys: Any, tmp_path: Path
) -> None:
    (tmp_path / "package.json").write_text(PROPOSAL)
    assert await main("request", "--file", f"@{tmp_path}/package.json") == 0
    its = said(capsys)
    assert its == (await watcher.proposed()).id
    assert await main("wait", its, "--timeout", "0.1") == cli.Code.PENDING
    assert "nobody has decided yet" in capsys.readouterr().err
    await watcher.office.approve(SENTA, await watcher.card(await watcher.proposed()))
    assert await main("wait", its, "--timeout", "0") == 0
    assert await main("claim", its) == 0
    claimed = json.loads(said(capsys))
    assert claimed["action_parameters"] == HARD["action_parameters"]
    assert await main("claim", its) == cli.Code.SPENT
    assert await main("wait", its) == cli.Code.SPENT
    assert await main("report", its, "succeeded", "--claim-id", claimed["claim_id"]) == 0
    assert await main("get", its) == 0
    assert json.loads(said(capsys))["execution"]["state"] == "succeeded"


async def test_no_time_is_no_wait(main: Any) -> None:
    assert await main("request", "--file", PROPOSAL, "--wait", "0") == cli.Code.PENDING


async def test_a_permission_that_lapsed_is_none(watcher: Agent, main: Any, capsys: Any) -> None:
    assert await main("request", "--file", PROPOSAL) == 0
    its = said(capsys)
    await watcher.office.approve(SENTA, await watcher.card(await watcher.proposed()))
    await watcher.office.passes(3 * DAY)
    assert await main("wait", its) == cli.Code.TIME_RAN_OUT


@pytest.mark.parametrize(("verb", "words", "code"), CODES)
async def test_the_exit_code_says_what_people_decided(
    watcher: Agent, main: Any, verb: Verb, words: dict[str, str], code: cli.Code
) -> None:
    asking = asyncio.ensure_future(main("request", "--file", PROPOSAL, "--wait"))
    await watcher.office.give(SENTA, await watcher.card(await watcher.proposed()), verb, words)
    assert await asking == code


async def test_what_was_withdrawn_has_a_code_of_its_own(watcher: Agent, main: Any) -> None:
    asking = asyncio.ensure_future(main("request", "--file", PROPOSAL, "--wait"))
    await watcher.office.cancel(await watcher.proposed())
    assert await asking == cli.Code.WITHDRAWN


async def test_what_was_revoked_before_it_was_used_is_refused(watcher: Agent, main: Any, capsys: Any) -> None:
    assert await main("request", "--file", PROPOSAL) == 0
    its = said(capsys)
    await watcher.approves()
    await watcher.office.decide(Revoke, await watcher.proposed("approved"), by=SENTA)
    assert await main("wait", its) == cli.Code.REFUSED


async def test_an_answer_is_what_a_question_prints(watcher: Agent, main: Any, capsys: Any) -> None:
    asking = asyncio.ensure_future(main("request", "--file", QUESTION, "--wait"))
    await watcher.gives(Verb.ANSWER, answer="The blue one.")
    assert (await asking, said(capsys)) == (cli.Code.PERMITTED, "The blue one.")


async def test_time_that_ran_out_has_a_code_of_its_own(watcher: Agent, main: Any) -> None:
    asking = asyncio.ensure_future(main("request", "--file", PROPOSAL, "--wait"))
    await watcher.proposed()
    for _ in range(3):
        await watcher.office.passes(DAY)
    assert await asking == cli.Code.TIME_RAN_OUT


async def test_what_is_out_of_reach_has_a_code_of_its_own(wire: Network, main: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(cli, "Client", lambda: Client(wire.url, "csk_1", patience=Patience(total=0.05)))
    await wire.cut()
    assert await main("get", "pkg_1") == cli.Code.OUT_OF_REACH


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["request", "--file", "{", "--wait"], "Expecting"),
        (["request", "--file", "@/nowhere"], "No such file"),
        (["request", "--title", "Alone"], "(422 invalid)"),
        (["get", "pkg_0"], "(404 not-found)"),
    ],
)
async def test_what_is_wrong_is_one_line(main: Any, capsys: Any, arguments: list[str], said: str) -> None:
    assert await main(*arguments) == cli.Code.FAULT
    err = capsys.readouterr().err
    assert said in err
    assert len(err.splitlines()) == 1


async def test_a_command_line_that_is_wrong_is_two(main: Any) -> None:
    assert await main("request", "--field", "nothing") == 2
    assert await main("wave-through") == 2


async def test_a_command_runs_after_approval_and_its_outcome_is_reported(watcher: Agent, gate: Gate) -> None:
    ran = await gate("run", *SOFTLY, "--", sys.executable, "-c", "print('deployed')")
    assert (ran.code, ran.out) == (0, "deployed")
    package = await watcher.proposed("approved")
    assert package.body["execution"]["state"] == "succeeded"
    assert package.body["decision"]["action_parameters"]["command"][1:] == ["-c", "print('deployed')"]


@pytest.mark.parametrize(
    ("command", "how"),
    [
        ([sys.executable, "-c", "raise SystemExit(3)"], "exit status 3"),
        ([sys.executable, "-c", "import os; os.kill(os.getpid(), 15)"], "ended by signal 15"),
        (["/nowhere/deploy"], "No such file"),
    ],
    ids=["exits", "killed", "missing"],
)
async def test_a_command_that_fails_has_a_code_that_no_decision_has(
    watcher: Agent, gate: Gate, command: list[str], how: str
) -> None:
    ran = await gate("run", *SOFTLY, "--", *command)
    assert ran.code == cli.Code.FAILED
    assert how in ran.err
    assert (await watcher.proposed("approved")).body["execution"]["state"] == "failed"


async def test_a_command_that_has_run_and_cannot_be_reported_has_a_code_of_its_own(
    main: Any,
    office: Office,
    wire: Network,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cli, "Client", lambda: Client(wire.url, office.key, patience=Patience(total=0.05)))
    begun, ends = tmp_path / "begun", tmp_path / "ends"
    for pipe in (begun, ends):
        os.mkfifo(pipe)
    running = asyncio.ensure_future(main("run", *SOFTLY, "--", "sh", "-c", f"echo > {begun}; read _ < {ends}"))
    await asyncio.to_thread(begun.read_text)
    await wire.cut()
    await asyncio.to_thread(ends.write_text, "\n")
    assert await running == cli.Code.UNREPORTED


@pytest.mark.parametrize("word", ["asked", "client", "context", "refusals", "revise", "revisions", "timeout"])
async def test_a_field_that_would_steer_the_gate_is_refused_by_its_name(
    main: Any, capsys: pytest.CaptureFixture[str], word: str
) -> None:
    assert await main("run", *SOFTLY, "--field", f"{word}=1", "--", "true") == cli.Code.FAULT
    assert f"no field {word};" in capsys.readouterr().err


def test_the_help_explains_each_option_of_each_command() -> None:
    commands = next(each.choices for each in make_parser()._actions if isinstance(each, argparse._SubParsersAction))
    options = [(name, option) for name, its in commands.items() for option in its._actions]
    assert [(name, option.dest) for name, option in options if not option.help] == []


def test_the_help_explains_each_exit_code() -> None:
    told = re.findall(r"^  (\d+) +\S", make_parser().format_help(), re.MULTILINE)
    assert {int(code) for code in told} == {*cli.Code, 2}


async def test_a_step_of_a_pipeline_that_is_repeated_does_not_run_its_command_again(gate: Gate) -> None:
    command = ["run", *SOFTLY, "--run-id", "build-7", "--", sys.executable, "-c", "print('deployed')"]
    assert (await gate(*command)).code == 0
    again = await gate(*command)
    assert (again.code, again.out) == (cli.Code.SPENT, "")


async def test_a_command_that_people_refuse_does_not_run(watcher: Agent, gate: Gate) -> None:
    options = [*SOFTLY, "--risk-level", "medium"]
    asking = asyncio.ensure_future(gate("run", *options, "--", sys.executable, "-c", "print('deployed')"))
    card = await watcher.card(await watcher.proposed())
    await watcher.office.give(SENTA, card, Verb.REJECT, {"comment": "Not on a Friday."})
    ran = await asking
    assert (ran.code, ran.out) == (cli.Code.REFUSED, "")
    assert "Not on a Friday." in ran.err


async def test_ctrl_c_while_the_command_runs_says_that_what_it_did_is_unknown(watcher: Agent, started: Started) -> None:
    command = [sys.executable, "-c", "import sys; print('begun', flush=True); sys.stdin.read()"]
    running = await started("run", *SOFTLY, "--", *command)
    assert running.stdout is not None
    assert await running.stdout.readline() == b"begun\n"
    running.send_signal(signal.SIGINT)
    _, err = await running.communicate()
    assert (running.returncode, "Traceback" in err.decode()) == (130, False)
    assert "whether it did its work is unknown" in err.decode()
    assert await watcher.execution(await watcher.proposed("approved")) == "claimed"
