"""The command `countersign-gate` asks people, and its exit code says what they decided."""

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
from countersign.cli_codes import Code
from countersign.cli_options import make_parser
from rules.state.commands import Revoke, Verb
from rules.threads.commands import CancelThread, HoldThread
from tests.bot.slack.office import CONFIRMED, HARD, RITA, SENTA, Office
from tests.rules.world import DAY
from tests.sdk.agents import Agent
from tests.sdk.network import Network
from tests.store.world import fresh, reviewer

PROPOSAL = json.dumps(HARD | {"recommendation": "clarify"})
QUESTION = json.dumps(
    {name: last_line for name, last_line in HARD.items() if name != "action_parameters"} | {"kind": "question"}
)
SOFTLY = ["--action-type", "record.read", "--risk-level", "low", "--confidence", "0.95", "--rationale", "Asked for."]


ASKING = [*SOFTLY, "--risk-level", "medium"]


class Result:
    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out.strip(), err


Gate = Callable[..., Awaitable[Result]]


StartGate = Callable[..., Awaitable[asyncio.subprocess.Process]]


@pytest.fixture
def start_gate(office: Office, wire: Network) -> StartGate:
    def start_process(*arguments: str, **environment: str) -> Awaitable[asyncio.subprocess.Process]:
        return asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "countersign.cli", *arguments),
            env=os.environ | {"COUNTERSIGN_URL": wire.url, "COUNTERSIGN_AGENT_KEY": office.key} | environment,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )

    return start_process


@pytest.fixture
def run_gate(start_gate: StartGate) -> Gate:
    async def run(*arguments: str, stdin: str = "", **environment: str) -> Result:
        process = await start_gate(*arguments, **environment)
        out, err = await process.communicate(stdin.encode())
        assert process.returncode is not None
        return Result(process.returncode, out.decode(), err.decode())

    return run


async def test_a_request_that_waits_prints_the_approved_parameters(watcher: Agent, run_gate: Gate) -> None:
    asking = asyncio.ensure_future(run_gate("request", "--file", "-", "--wait", stdin=PROPOSAL))
    await watcher.office.approve(SENTA, await watcher.card(await watcher.wait_for_package()))
    result = await asking
    assert (result.code, json.loads(result.out)) == (0, HARD["action_parameters"])
    assert "Checked." in result.err


@pytest.mark.parametrize(
    ("arguments", "role"),
    [
        (["run", *SOFTLY, "--risk-level", "medium", "--", sys.executable, "-c", ""], "reviewer"),
        (["request", "--file", PROPOSAL, "--wait"], "senior reviewer"),
    ],
    ids=["run", "request"],
)
async def test_a_waiting_command_prints_whom_it_waits_for(
    watcher: Agent, start_gate: StartGate, arguments: list[str], role: str
) -> None:
    waiting = await start_gate(*arguments)
    assert waiting.stderr is not None
    line = (await waiting.stderr.readline()).decode()
    assert f"{(await watcher.wait_for_package()).id}: Waiting for a {role}, until 20" in line
    await watcher.give_newest(Verb.REJECT, comment="No.")
    assert "Waiting for" not in (await waiting.stderr.read()).decode()
    assert await waiting.wait() == Code.REFUSED


async def test_a_command_that_needs_no_approval_prints_nothing(run_gate: Gate) -> None:
    result = await run_gate("run", *SOFTLY, "--", sys.executable, "-c", "")
    assert (result.code, result.err) == (0, "")


async def test_ctrl_c_ends_the_wait_with_a_message_and_leaves_the_package_open(
    watcher: Agent, start_gate: StartGate
) -> None:
    asking = await start_gate("request", "--file", "-", "--wait")
    assert asking.stdin is not None
    asking.stdin.write(PROPOSAL.encode())
    asking.stdin.write_eof()
    package = await watcher.wait_for_package()
    asking.send_signal(signal.SIGINT)
    _, err = await asking.communicate()
    assert (asking.returncode, "Traceback" in err.decode()) == (130, False)
    assert "interrupted" in err.decode()
    assert (await watcher.card(package)).labels


def last_line(capsys: Any) -> str:
    """The last line of the output. The lines before it are the service's log, which goes to the same place here."""
    return str(capsys.readouterr().out).splitlines()[-1]


OVERRULED = {"override_reason": "I know the case.", "evidence_refs": "ticket 7"}
CODES: list[tuple[Verb, dict[str, str], Code]] = [
    (Verb.REJECT, {"comment": "No."}, Code.REFUSED),
    (Verb.TAKE_OVER, {"comment": "Mine."}, Code.REFUSED),
    (Verb.REVISE, {"instructions": "Another."}, Code.CHANGES_WANTED),
    (Verb.REQUEST_MORE_EVIDENCE, {"instructions": "Show it."}, Code.CHANGES_WANTED),
    (Verb.OVERRIDE, {"override_decision": "stop", **OVERRULED}, Code.REFUSED),
    (Verb.OVERRIDE, {"override_decision": "proceed", **OVERRULED}, Code.PERMITTED),
]


@pytest.fixture
def main(office: Office, wire: Network, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Awaitable[int]]:
    """Runs the command in this process."""
    monkeypatch.setenv("COUNTERSIGN_URL", wire.url)
    monkeypatch.setenv("COUNTERSIGN_AGENT_KEY", office.key)

    def call_main(*arguments: str) -> int:
        with pytest.raises(SystemExit) as ended:
            cli.main(arguments)
        return int(ended.value.code or 0)

    return lambda *arguments: asyncio.to_thread(call_main, *arguments)


async def test_a_request_that_does_not_wait_prints_its_id_for_later(
    watcher: Agent, main: Any, capsys: Any, tmp_path: Path
) -> None:
    (tmp_path / "package.json").write_text(PROPOSAL)
    assert await main("request", "--file", f"@{tmp_path}/package.json") == 0
    package_id = last_line(capsys)
    assert package_id == (await watcher.wait_for_package()).id
    assert await main("wait", package_id, "--timeout", "0.1") == Code.PENDING
    assert "nobody has decided yet" in capsys.readouterr().err
    await watcher.office.approve(SENTA, await watcher.card(await watcher.wait_for_package()))
    assert await main("wait", package_id, "--timeout", "0") == 0
    assert await main("claim", package_id) == 0
    claimed = json.loads(last_line(capsys))
    assert claimed["action_parameters"] == HARD["action_parameters"]
    assert await main("claim", package_id) == Code.SPENT
    assert await main("wait", package_id) == Code.SPENT
    assert await main("report", package_id, "succeeded", "--claim-id", claimed["claim_id"]) == 0
    assert await main("get", package_id) == 0
    assert json.loads(last_line(capsys))["execution"]["state"] == "succeeded"


async def test_a_wait_of_zero_seconds_returns_at_once(main: Any) -> None:
    assert await main("request", "--file", PROPOSAL, "--wait", "0") == Code.PENDING


async def test_an_expired_permission_exits_with_time_ran_out(watcher: Agent, main: Any, capsys: Any) -> None:
    assert await main("request", "--file", PROPOSAL) == 0
    package_id = last_line(capsys)
    await watcher.office.approve(SENTA, await watcher.card(await watcher.wait_for_package()))
    await watcher.office.passes(3 * DAY)
    assert await main("wait", package_id) == Code.TIME_RAN_OUT


@pytest.mark.parametrize(("verb", "words", "code"), CODES)
async def test_the_exit_code_says_what_people_decided(
    watcher: Agent, main: Any, verb: Verb, words: dict[str, str], code: Code
) -> None:
    asking = asyncio.ensure_future(main("request", "--file", PROPOSAL, "--wait"))
    await watcher.office.give(SENTA, await watcher.card(await watcher.wait_for_package()), verb, words)
    assert await asking == code


async def test_what_people_write_is_shown_while_a_command_waits_and_say_answers(
    watcher: Agent, start_gate: StartGate, main: Any
) -> None:
    asking = await start_gate("request", "--file", PROPOSAL, "--wait")
    assert asking.stderr is not None
    assert b"Waiting for" in await asking.stderr.readline()
    package = await watcher.wait_for_package()
    await watcher.office.give(SENTA, await watcher.card(package), Verb.COMMENT, {"comment": "Which\norder?"})
    assert await asking.stderr.readline() == b"Senta: Which order?\n"
    assert await main("say", package.id, "Order 456.") == Code.PERMITTED
    await watcher.approve_newest()
    _, err = await asking.communicate()
    assert (asking.returncode, b"Order 456." in err) == (0, False)
    messages = (await watcher.office.get(f"/v1/packages/{package.id}/messages")).body["messages"]
    assert [message["text"] for message in messages] == ["Which\norder?", "Order 456."]


def words_of(verb: Verb) -> dict[str, Any]:
    tick = {"confirmed": [CONFIRMED]} if verb is Verb.ALLOW_RETRY else {}
    return {"comment": "Restore it.", **tick}


RECOVERIES: list[tuple[Verb, Code]] = [
    (Verb.ALLOW_RETRY, Code.PERMITTED),
    (Verb.ASK_ROLLBACK, Code.ROLLBACK_WANTED),
    (Verb.CLOSE, Code.REFUSED),
]


@pytest.mark.parametrize(("verb", "code"), RECOVERIES)
async def test_recover_waits_for_what_people_decide_about_a_failure(
    watcher: Agent, main: Any, capsys: Any, verb: Verb, code: Code
) -> None:
    assert await main("request", "--file", PROPOSAL) == 0
    package_id = last_line(capsys)
    await watcher.approve_newest()
    assert await main("claim", package_id, "--claim-id", "first") == 0
    assert await main("report", package_id, "failed", "--claim-id", "first", "--detail", "The disk is full.") == 0
    assert await main("recover", package_id, "--timeout", "0.1") == Code.PENDING
    recovering = asyncio.ensure_future(main("recover", package_id))
    card = await watcher.card(await watcher.wait_for_package("approved"))
    await watcher.office.give(SENTA, card, verb, words_of(verb))
    assert (await recovering, last_line(capsys)) == (code, "Restore it.")


async def test_a_package_that_did_not_fail_has_nothing_to_recover(watcher: Agent, main: Any, capsys: Any) -> None:
    assert await main("request", "--file", PROPOSAL) == 0
    assert await main("recover", last_line(capsys)) == Code.SPENT


async def test_a_question_about_a_failure_has_the_same_exit_codes(watcher: Agent, main: Any) -> None:
    failure = json.dumps(HARD | {"interrupt_type": "error_recovery"})
    asking = asyncio.ensure_future(main("request", "--file", failure, "--wait"))
    await watcher.give_newest(Verb.ASK_ROLLBACK, comment="Restore it.")
    assert await asking == Code.ROLLBACK_WANTED


async def test_a_failed_command_runs_again_if_people_allow_it(watcher: Agent, run_gate: Gate, tmp_path: Path) -> None:
    script = f"echo > {tmp_path}/$1; test -e {tmp_path}/second || {{ mv {tmp_path}/$1 {tmp_path}/second; exit 3; }}"
    running = asyncio.ensure_future(run_gate("run", *ASKING, "--retries", "1", "--", "sh", "-c", script, "_", "one"))
    await decide_failure(watcher, Verb.ALLOW_RETRY)
    assert (await running).code == Code.PERMITTED


async def test_a_failed_command_that_people_want_undone_has_its_own_exit_code(watcher: Agent, run_gate: Gate) -> None:
    running = asyncio.ensure_future(run_gate("run", *ASKING, "--retries", "1", "--", "sh", "-c", "exit 3"))
    await decide_failure(watcher, Verb.ASK_ROLLBACK)
    result = await running
    assert (result.code, "exit status 3" in result.err) == (Code.ROLLBACK_WANTED, True)
    assert "Restore it." in result.err


async def decide_failure(watcher: Agent, verb: Verb) -> None:
    await watcher.office.click(RITA, await watcher.card(await watcher.wait_for_package()), "approve")
    package = await watcher.wait_for_package("approved")
    async with asyncio.timeout(30):
        while (await watcher.execution(package)) != "failed":
            watcher.network.activity.clear()
            await watcher.network.activity.wait()
    await watcher.office.give(SENTA, await watcher.card(package), verb, {"comment": "Restore it."})


async def test_a_claim_in_a_held_thread_has_the_exit_code_of_waiting_and_in_a_cancelled_one_of_withdrawal(
    watcher: Agent, main: Any, capsys: Any
) -> None:
    proposal = json.dumps(HARD | {"thread_id": "case-456"})
    assert await main("request", "--file", proposal) == 0
    package_id = last_line(capsys)
    await watcher.approve_newest()
    for kind, code in ((HoldThread, Code.PENDING), (CancelThread, Code.WITHDRAWN)):
        command = kind(command_id=fresh("thread"), thread_id="case-456", reason="Wait.")
        await watcher.office.running.service.threads.execute(command, reviewer(SENTA))
        assert await main("claim", package_id) == code


async def test_a_withdrawn_package_has_its_own_exit_code(watcher: Agent, main: Any) -> None:
    asking = asyncio.ensure_future(main("request", "--file", PROPOSAL, "--wait"))
    await watcher.office.cancel(await watcher.wait_for_package())
    assert await asking == Code.WITHDRAWN


async def test_a_revoked_approval_exits_with_refused(watcher: Agent, main: Any, capsys: Any) -> None:
    assert await main("request", "--file", PROPOSAL) == 0
    package_id = last_line(capsys)
    await watcher.approve_newest()
    await watcher.office.decide(Revoke, await watcher.wait_for_package("approved"), by=SENTA)
    assert await main("wait", package_id) == Code.REFUSED


async def test_a_question_prints_its_answer(watcher: Agent, main: Any, capsys: Any) -> None:
    asking = asyncio.ensure_future(main("request", "--file", QUESTION, "--wait"))
    await watcher.give_newest(Verb.ANSWER, answer="The blue one.")
    assert (await asking, last_line(capsys)) == (Code.PERMITTED, "The blue one.")


async def test_an_expired_package_has_its_own_exit_code(watcher: Agent, main: Any) -> None:
    asking = asyncio.ensure_future(main("request", "--file", PROPOSAL, "--wait"))
    await watcher.wait_for_package()
    for _ in range(3):
        await watcher.office.passes(DAY)
    assert await asking == Code.TIME_RAN_OUT


async def test_an_unreachable_service_has_its_own_exit_code(wire: Network, main: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(cli, "Client", lambda: Client(wire.url, "csk_1", patience=Patience(total=0.05)))
    await wire.cut()
    assert await main("get", "pkg_1") == Code.OUT_OF_REACH


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["request", "--file", "{", "--wait"], "Expecting"),
        (["request", "--file", "[1]"], "must hold a JSON object"),
        (["request", "--file", "@/nowhere"], "No such file"),
        (["request", "--title", "Alone"], "(422 invalid)"),
        (["get", "pkg_0"], "(404 not-found)"),
    ],
)
async def test_an_error_is_one_line(main: Any, capsys: Any, arguments: list[str], expected: str) -> None:
    assert await main(*arguments) == Code.FAULT
    err = capsys.readouterr().err
    assert expected in err
    assert len(err.splitlines()) == 1


async def test_a_wrong_command_line_exits_with_2(main: Any) -> None:
    assert await main("request", "--field", "nothing") == 2
    assert await main("wave-through") == 2


async def test_a_command_without_its_required_options_is_refused_in_one_line_before_anything_is_asked(
    main: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await main("run", "--confidence", "0.9", "--", "true") == Code.USAGE
    assert capsys.readouterr().err == (
        "countersign-gate run needs --risk-level; countersign-gate run --help explains the options\n"
    )
    assert await main("run", "--", "true") == Code.USAGE
    assert "needs --risk-level and --confidence;" in capsys.readouterr().err


async def test_a_required_option_may_be_in_the_file(watcher: Agent, run_gate: Gate) -> None:
    fields = json.dumps({"risk_level": "low", "confidence": 0.95, "action_type": "record.read"})
    assert (await run_gate("run", "--file", fields, "--", "true")).code == Code.PERMITTED


def test_the_help_marks_the_options_that_are_required() -> None:
    commands = next(
        action.choices for action in make_parser()._actions if isinstance(action, argparse._SubParsersAction)
    )
    marked = {
        name: {option.dest for option in commands[name]._actions if str(option.help).startswith("required")}
        for name in ("request", "run")
    }
    required = {"title", "action_type", "proposed_action", "rationale", "risk_level", "confidence"}
    assert marked == {"request": required, "run": {"risk_level", "confidence"}}


async def test_a_command_runs_after_approval_and_its_outcome_is_reported(watcher: Agent, run_gate: Gate) -> None:
    result = await run_gate("run", *SOFTLY, "--", sys.executable, "-c", "print('deployed')")
    assert (result.code, result.out) == (0, "deployed")
    package = await watcher.wait_for_package("approved")
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
async def test_a_failed_command_has_an_exit_code_that_no_decision_has(
    watcher: Agent, run_gate: Gate, command: list[str], how: str
) -> None:
    result = await run_gate("run", *SOFTLY, "--", *command)
    assert result.code == Code.FAILED
    assert how in result.err
    assert (await watcher.wait_for_package("approved")).body["execution"]["state"] == "failed"


async def test_a_command_that_ran_and_cannot_be_reported_has_its_own_exit_code(
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
    assert await running == Code.UNREPORTED


OPTIONS_OF_A_GATE = ["asked", "client", "context", "refusals", "revise", "revisions", "timeout"]


@pytest.mark.parametrize("field", [*OPTIONS_OF_A_GATE, "action_parameters", "kind", "sum"])
async def test_a_field_that_the_package_of_a_command_does_not_have_is_refused_in_one_line(
    main: Any, capsys: pytest.CaptureFixture[str], field: str
) -> None:
    assert await main("run", *SOFTLY, "--field", f"{field}=1", "--", "true") == Code.FAULT
    err = capsys.readouterr().err
    assert f"no field {field};" in err
    assert len(err.splitlines()) == 1


def test_the_help_explains_each_option_of_each_command() -> None:
    commands = next(
        action.choices for action in make_parser()._actions if isinstance(action, argparse._SubParsersAction)
    )
    options = [(name, option) for name, parser in commands.items() for option in parser._actions]
    assert [(name, option.dest) for name, option in options if not option.help] == []


def test_the_help_explains_each_exit_code() -> None:
    codes = re.findall(r"^  (\d+) +\S", make_parser().format_help(), re.MULTILINE)
    assert {int(code) for code in codes} == {*Code, 2}


async def test_a_repeated_pipeline_step_does_not_run_its_command_again(run_gate: Gate) -> None:
    command = ["run", *SOFTLY, "--run-id", "build-7", "--", sys.executable, "-c", "print('deployed')"]
    assert (await run_gate(*command)).code == 0
    again = await run_gate(*command)
    assert (again.code, again.out) == (Code.SPENT, "")


async def test_a_command_that_people_refuse_does_not_run(watcher: Agent, run_gate: Gate) -> None:
    options = [*SOFTLY, "--risk-level", "medium"]
    asking = asyncio.ensure_future(run_gate("run", *options, "--", sys.executable, "-c", "print('deployed')"))
    card = await watcher.card(await watcher.wait_for_package())
    await watcher.office.give(SENTA, card, Verb.REJECT, {"comment": "Not on a Friday."})
    result = await asking
    assert (result.code, result.out) == (Code.REFUSED, "")
    assert "Not on a Friday." in result.err


async def test_ctrl_c_while_the_command_runs_says_that_its_outcome_is_unknown(
    watcher: Agent, start_gate: StartGate
) -> None:
    command = [sys.executable, "-c", "import sys; print('begun', flush=True); sys.stdin.read()"]
    running = await start_gate("run", *SOFTLY, "--", *command)
    assert running.stdout is not None
    assert await running.stdout.readline() == b"begun\n"
    running.send_signal(signal.SIGINT)
    _, err = await running.communicate()
    assert (running.returncode, "Traceback" in err.decode()) == (130, False)
    assert "it may be half done" in err.decode()
    assert await watcher.execution(await watcher.wait_for_package("approved")) == "claimed"
