"""`countersign-gate`: the gate for shells and CI. Its exit code says what people decided.

Results (ids, approved parameters, documents) go to stdout, everything else to stderr. `cli_options` defines the
options, `cli_codes` the exit codes.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from countersign import outcomes
from countersign.cli_codes import ERROR_CODES, RECOVERY_CODES, Code, exit_code
from countersign.cli_options import REQUIRED_TO_RUN, make_parser, option_name
from countersign.client import Client
from countersign.document import Message, StatusDocument
from countersign.errors import CountersignError, NotPermittedError
from countersign.gate import gate
from countersign.handle import Handle
from countersign.outcomes import Outcome
from countersign.proposal import CallFields, one_line
from countersign.run import run as in_run

# What `run` passes to the gate from --file, --field and --parameters. Other names could replace an option of the gate.
_RUN_FIELDS = CallFields.__annotations__.keys() | {"risk_level", "confidence"}
MAX_MESSAGE = 3_000  # characters, as many as a message may have
INTERRUPTED = 130  # the exit code that shells use after Ctrl-C


class UsageError(ValueError):
    """The command line lacks something; the sentence says what."""


class CommandError(Exception):
    """The command was permitted, ran, and failed."""


def main(arguments: Sequence[str] | None = None) -> None:
    args = make_parser().parse_args(arguments)
    commands: dict[str, Callable[[Client, argparse.Namespace], int]] = {
        "request": request,
        "wait": wait,
        "get": get,
        "claim": claim,
        "report": report,
        "recover": recover,
        "say": say,
        "run": run_command,
    }
    try:
        with Client() as client:
            sys.exit(commands[args.command](client, args))
    except NotPermittedError as fault:
        _print_to_stderr(str(fault))
        sys.exit(exit_code(fault.outcome))
    except UsageError as fault:
        _print_to_stderr(str(fault))
        sys.exit(Code.USAGE)
    except (CountersignError, OSError, ValueError) as fault:
        _print_to_stderr(str(fault))
        sys.exit(next((code for kind, code in ERROR_CODES.items() if isinstance(fault, kind)), Code.FAULT))
    except KeyboardInterrupt as end:
        waiting = "interrupted: the package still waits for people; `countersign-gate wait ID` continues to wait"
        _print_to_stderr(str(end) or waiting)
        sys.exit(INTERRUPTED)


def request(client: Client, args: argparse.Namespace) -> int:
    handle = client.request(**_proposal(args), idempotency_key=args.idempotency_key, step=args.step)
    if args.wait is None:
        _print(handle.document if args.json else handle.decision_package_id)
        return Code.PERMITTED
    return _wait_and_print(handle, args)


def wait(client: Client, args: argparse.Namespace) -> int:
    return _wait_and_print(client.handle(args.package_id), args)


def _wait_and_print(handle: Handle, args: argparse.Namespace) -> int:
    announce_wait(handle.document)
    outcome = handle.settle(timeout=args.wait, on_message=show_message)
    _print_to_stderr(f"{outcome.decision_package_id}: {outcome.message} {outcome.comment or ''}".strip())
    _print(handle.document if args.json else _result(outcome))
    return exit_code(outcome)


def announce_wait(document: StatusDocument) -> None:
    pause = document["interrupt"]
    if pause and document["status"] in ("pending", "deferred"):
        first_sentence, *_ = document["agent_message"].split(". ")  # it names all roles that may decide
        _print_to_stderr(f"{document['decision_package_id']}: {first_sentence}, until {pause['expires_at']}.")


def show_message(message: Message) -> None:
    """Shows what a person writes to the agent. `say` answers."""
    name = "agent" if message["by"] == "agent" else message["by"]["name"]
    _print_to_stderr(f"{name}: {one_line(message['text'] or '', MAX_MESSAGE)}")


def _result(outcome: Outcome) -> Any:
    if isinstance(outcome, outcomes.Answered):
        return outcome.answer
    permitted = isinstance(outcome, outcomes.Approved | outcomes.Consented | outcomes.Overridden) and outcome.permits
    return outcome.parameters if permitted else None  # type: ignore[attr-defined]


def get(client: Client, args: argparse.Namespace) -> int:
    _print(client.handle(args.package_id).document)
    return Code.PERMITTED


def claim(client: Client, args: argparse.Namespace) -> int:
    handle = client.handle(args.package_id, claim_id=args.claim_id)
    parameters = handle.claim()
    _print_to_stderr(f"Claimed under {handle.claim_id}: report what comes of it.")
    _print({"claim_id": handle.claim_id, "action_parameters": parameters})
    return Code.PERMITTED


def report(client: Client, args: argparse.Namespace) -> int:
    handle = client.handle(args.package_id, claim_id=args.claim_id)
    handle.report(args.state, args.detail)
    return Code.PERMITTED


def say(client: Client, args: argparse.Namespace) -> int:
    client.handle(args.package_id).say(_read_text(args.text))
    return Code.PERMITTED


def recover(client: Client, args: argparse.Namespace) -> int:
    """Waits until people have decided what to do after a failure."""
    handle = client.handle(args.package_id)
    recovery = handle.recovered(args.wait)
    _print(handle.document if args.json else recovery and recovery["instruction"])
    if recovery is None:
        _print_to_stderr(f"{handle.decision_package_id}: there is no failure to decide about.")
        return Code.SPENT
    _print_to_stderr(f"{handle.decision_package_id}: {handle.document['agent_message']}")
    return RECOVERY_CODES[recovery["decision"]]


def run_command(client: Client, args: argparse.Namespace) -> int:
    """Asks people whether a command may run, then runs it. They approve the exact list of its arguments."""
    fields = _proposal(args)
    if missing := [option_name(field) for field in REQUIRED_TO_RUN if field not in fields]:
        raise UsageError(
            f"countersign-gate run needs {' and '.join(missing)}; countersign-gate run --help explains the options"
        )
    run_id, action_type = fields.pop("run_id", None), fields.pop("action_type", "run_command")
    if unknown := sorted(fields.keys() - _RUN_FIELDS):
        raise ValueError(
            f"the package of a command has no field {' or '.join(unknown)}; see countersign-gate run --help"
        )
    key = {"idempotency_key": args.idempotency_key} if args.idempotency_key else {}
    asked: list[str] = []

    def announce(document: StatusDocument) -> None:
        asked.append(document["decision_package_id"])
        announce_wait(document)

    options = {"timeout": args.wait, "asked": announce, "on_message": show_message, "retries": args.retries}
    gated = gate(action_type, client=client, **(fields | key | options))(execute)
    try:
        if run_id is None:
            gated(args.run)
        else:
            with in_run(run_id, step=args.step):
                gated(args.run)
    except CommandError as fault:
        _print_to_stderr(
            f"The command was permitted, and failed: {'. '.join([str(fault), *getattr(fault, '__notes__', ())])}"
        )
        return _code_of_failure(client.handle(asked[-1])) if args.retries else Code.FAILED
    return Code.PERMITTED


def _code_of_failure(handle: Handle) -> int:
    recovery = handle.recovery
    if recovery is None or recovery["decision"] != "rollback":
        return Code.FAILED
    _print_to_stderr(
        f"{handle.decision_package_id}: {handle.document['agent_message']} {recovery['instruction'] or ''}"
    )
    return Code.ROLLBACK_WANTED


def execute(command: list[str]) -> None:
    """Run a command."""
    try:
        status = subprocess.run(command, check=False).returncode  # noqa: S603 - people have approved exactly this
    except KeyboardInterrupt as end:
        end.args = ("interrupted while the command ran, so it may be half done. Check before it runs again",)
        raise
    except OSError as fault:
        raise CommandError(f"it could not be started ({fault})") from fault
    if status:
        raise CommandError(f"exit status {status}" if status > 0 else f"ended by signal {-status}")


def _proposal(args: argparse.Namespace) -> dict[str, Any]:
    """The package's fields, from --file and from the options. Options replace what the file says."""
    fields = json.loads(_read_text(args.file)) if args.file else {}
    if not isinstance(fields, dict):
        raise ValueError("--file must hold a JSON object with the fields of a proposal")  # noqa: TRY004 - of the text
    if args.parameters:
        fields["action_parameters"] = json.loads(_read_text(args.parameters))
    fields |= {name: value for name, value in args.fields.items() if value is not None}
    return fields | dict(args.field)


def _read_text(text: str) -> str:
    """The text itself, the content of a file (`@FILE`), or standard input (`-`)."""
    if text == "-":
        return sys.stdin.read()
    return Path(text[1:]).read_text(encoding="utf-8") if text.startswith("@") else text


def _print(value: Any) -> None:
    if value is not None:
        print(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))  # noqa: T201 - the command's result


def _print_to_stderr(sentence: str) -> None:
    print(sentence, file=sys.stderr)  # noqa: T201


if __name__ == "__main__":
    main()
