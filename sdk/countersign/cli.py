"""`countersign-gate`: the gate for shells and CI. Its exit code says what people decided.

Results (ids, approved parameters, documents) go to stdout, everything else to stderr. `cli_options` defines the
options.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from enum import IntEnum
from pathlib import Path
from typing import Any

from countersign import outcomes
from countersign.cli_options import REQUIRED_TO_RUN, make_parser, option_name
from countersign.client import Client
from countersign.document import StatusDocument
from countersign.errors import (
    AlreadyClaimedError,
    ApprovalLapsedError,
    CountersignError,
    NotPermittedError,
    StillPendingError,
    UnreachableError,
    UnreportedError,
)
from countersign.gate import Options, gate
from countersign.handle import Handle
from countersign.outcomes import Outcome
from countersign.proposal import CallFields
from countersign.run import run as in_run


class Code(IntEnum):
    """Exit codes. argparse itself exits with `USAGE` too."""

    PERMITTED = 0
    FAULT = 1
    USAGE = 2
    REFUSED = 3
    TIME_RAN_OUT = 4
    PENDING = 5
    CHANGES_WANTED = 6
    WITHDRAWN = 7
    OUT_OF_REACH = 8
    SPENT = 9
    FAILED = 10
    UNREPORTED = 11


_OUTCOME_CODES: dict[type[Outcome], int] = {
    outcomes.Rejected: Code.REFUSED,
    outcomes.Overridden: Code.REFUSED,
    outcomes.Revoked: Code.REFUSED,
    outcomes.TakenOver: Code.REFUSED,
    outcomes.Expired: Code.TIME_RAN_OUT,
    outcomes.Lapsed: Code.TIME_RAN_OUT,
    outcomes.Deferred: Code.PENDING,
    outcomes.Revise: Code.CHANGES_WANTED,
    outcomes.EvidenceWanted: Code.CHANGES_WANTED,
    outcomes.Cancelled: Code.WITHDRAWN,
    outcomes.Executed: Code.SPENT,
    outcomes.Unknown: Code.SPENT,
    outcomes.Answered: Code.PERMITTED,  # a question asks for nothing more than its answer
}
_ERROR_CODES: dict[type[CountersignError], int] = {
    StillPendingError: Code.PENDING,
    UnreachableError: Code.OUT_OF_REACH,
    ApprovalLapsedError: Code.TIME_RAN_OUT,
    AlreadyClaimedError: Code.SPENT,
    UnreportedError: Code.UNREPORTED,
}


# `run` passes these options to the gate itself. A package field with one of these names would replace the option.
_GATE_OPTIONS = (Options.__annotations__.keys() - CallFields.__annotations__.keys()) | {"refusals"}


class UsageError(ValueError):
    """The command line lacks something; the sentence says what."""


class CommandError(Exception):
    """The command was permitted, ran, and failed."""


INTERRUPTED = 130  # the exit code that shells use after Ctrl-C


def main(arguments: Sequence[str] | None = None) -> None:
    args = make_parser().parse_args(arguments)
    commands: dict[str, Callable[[Client, argparse.Namespace], int]] = {
        "request": request,
        "wait": wait,
        "get": get,
        "claim": claim,
        "report": report,
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
        sys.exit(next((code for kind, code in _ERROR_CODES.items() if isinstance(fault, kind)), Code.FAULT))
    except KeyboardInterrupt as end:
        waiting = "interrupted: what was asked for still stands; `countersign-gate wait` goes on waiting for it"
        _print_to_stderr(str(end) or waiting)
        sys.exit(INTERRUPTED)


def exit_code(outcome: Outcome) -> int:
    return Code.PERMITTED if outcome.permits else _OUTCOME_CODES.get(type(outcome), Code.FAULT)


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
    outcome = handle.settle(timeout=args.wait)
    _print_to_stderr(f"{outcome.decision_package_id}: {outcome.message} {outcome.comment or ''}".strip())
    _print(handle.document if args.json else _result(outcome))
    return exit_code(outcome)


def announce_wait(document: StatusDocument) -> None:
    pause = document["interrupt"]
    if pause and document["status"] in ("pending", "deferred"):
        role = pause["required_role"].replace("_", " ")
        _print_to_stderr(f"{document['decision_package_id']} waits for a {role}, until {pause['expires_at']}.")


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
    {"succeeded": handle.succeeded, "failed": handle.failed, "rolled_back": handle.rolled_back}[args.state](args.detail)
    return Code.PERMITTED


def run_command(client: Client, args: argparse.Namespace) -> int:
    """Asks people whether a command may run, then runs it. They approve the exact list of its arguments."""
    fields = _proposal(args)
    if missing := [option_name(field) for field in REQUIRED_TO_RUN if field not in fields]:
        raise UsageError(
            f"countersign-gate run needs {' and '.join(missing)}; countersign-gate run --help explains the options"
        )
    if misplaced := sorted(fields.keys() & _GATE_OPTIONS):
        raise ValueError(
            f"a package has no field {' or '.join(misplaced)}; countersign-gate run --help lists its options"
        )
    run_id, action_type = fields.pop("run_id", None), fields.pop("action_type", "run_command")
    key = {"idempotency_key": args.idempotency_key} if args.idempotency_key else {}
    timeout = args.wait
    gated = gate(action_type, client=client, timeout=timeout, asked=announce_wait, **fields, **key)(execute)
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
        return Code.FAILED
    return Code.PERMITTED


def execute(command: list[str]) -> None:
    """Run a command."""
    try:
        status = subprocess.run(command, check=False).returncode  # noqa: S603 - people have approved exactly this
    except KeyboardInterrupt as end:
        end.args = (
            "interrupted while the command ran: whether it did its work is unknown. Look, before it runs again",
        )
        raise
    except OSError as fault:
        raise CommandError(f"it could not be started ({fault})") from fault
    if status:
        raise CommandError(f"exit status {status}" if status > 0 else f"ended by signal {-status}")


def _proposal(args: argparse.Namespace) -> dict[str, Any]:
    """The package's fields, from --file and from the options. Options replace what the file says."""
    fields: dict[str, Any] = json.loads(_read_text(args.file)) if args.file else {}
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
