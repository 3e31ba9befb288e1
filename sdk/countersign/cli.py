"""`countersign-gate`: the gate for shells and CI. Its exit code says what people decided."""

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
from countersign.cli_options import parser
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
from countersign.proposal import SaidOfACall
from countersign.run import run as in_run


class Code(IntEnum):
    """How it exits; 2 is a wrong command line."""

    PERMITTED = 0
    FAULT = 1
    REFUSED = 3
    TIME_RAN_OUT = 4
    PENDING = 5
    CHANGES_WANTED = 6
    WITHDRAWN = 7
    OUT_OF_REACH = 8
    SPENT = 9
    FAILED = 10
    UNREPORTED = 11


_CODES: dict[type[Outcome], int] = {
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
    outcomes.Answered: Code.PERMITTED,  # a question has been answered, which is all that was asked for
}
_FAULTS: dict[type[CountersignError], int] = {
    StillPendingError: Code.PENDING,
    UnreachableError: Code.OUT_OF_REACH,
    ApprovalLapsedError: Code.TIME_RAN_OUT,
    AlreadyClaimedError: Code.SPENT,
    UnreportedError: Code.UNREPORTED,
}


# What `run` gives the gate itself: a field of this name would take its place.
_OF_THE_GATE = (Options.__annotations__.keys() - SaidOfACall.__annotations__.keys()) | {"refusals"}


class CommandError(Exception):
    """The command that people let run has failed by itself."""


INTERRUPTED = 130  # as shells say it of what Ctrl-C ended


def main(arguments: Sequence[str] | None = None) -> None:
    given = parser().parse_args(arguments)
    commands: dict[str, Callable[[Client, argparse.Namespace], int]] = {
        "request": request,
        "wait": wait,
        "get": get,
        "claim": claim,
        "report": report,
        "run": run,
    }
    try:
        with Client() as client:
            sys.exit(commands[given.command](client, given))
    except NotPermittedError as fault:
        _say(str(fault))
        sys.exit(code_of(fault.outcome))
    except (CountersignError, OSError, ValueError) as fault:
        _say(str(fault))
        sys.exit(next((code for kind, code in _FAULTS.items() if isinstance(fault, kind)), Code.FAULT))
    except KeyboardInterrupt as end:
        waiting = "interrupted: what was asked for still stands; `countersign-gate wait` goes on waiting for it"
        _say(str(end) or waiting)
        sys.exit(INTERRUPTED)


def code_of(outcome: Outcome) -> int:
    return Code.PERMITTED if outcome.permits else _CODES.get(type(outcome), Code.FAULT)


def request(client: Client, given: argparse.Namespace) -> int:
    handle = client.request(**_proposal(given), idempotency_key=given.idempotency_key, step=given.step)
    if given.wait is None:
        _print(handle.document if given.json else handle.decision_package_id)
        return Code.PERMITTED
    return _decided(handle, given)


def wait(client: Client, given: argparse.Namespace) -> int:
    return _decided(client.handle(given.package_id), given)


def _decided(handle: Handle, given: argparse.Namespace) -> int:
    say_who_is_waited_for(handle.document)
    outcome = handle.settle(timeout=given.wait)
    _say(f"{outcome.decision_package_id}: {outcome.message} {outcome.comment or ''}".strip())
    _print(handle.document if given.json else _gist(outcome))
    return code_of(outcome)


def say_who_is_waited_for(document: StatusDocument) -> None:
    pause = document["interrupt"]
    if pause and document["status"] in ("pending", "deferred"):
        role = pause["required_role"].replace("_", " ")
        _say(f"{document['decision_package_id']} waits for a {role}, until {pause['expires_at']}.")


def _gist(outcome: Outcome) -> Any:
    if isinstance(outcome, outcomes.Answered):
        return outcome.answer
    permitted = isinstance(outcome, outcomes.Approved | outcomes.Consented | outcomes.Overridden) and outcome.permits
    return outcome.parameters if permitted else None  # type: ignore[attr-defined]


def get(client: Client, given: argparse.Namespace) -> int:
    _print(client.handle(given.package_id).document)
    return Code.PERMITTED


def claim(client: Client, given: argparse.Namespace) -> int:
    handle = client.handle(given.package_id, claim_id=given.claim_id)
    parameters = handle.claim()
    _say(f"Claimed under {handle.claim_id}: report what comes of it.")
    _print({"claim_id": handle.claim_id, "action_parameters": parameters})
    return Code.PERMITTED


def report(client: Client, given: argparse.Namespace) -> int:
    handle = client.handle(given.package_id, claim_id=given.claim_id)
    {"succeeded": handle.succeeded, "failed": handle.failed, "rolled_back": handle.rolled_back}[given.state](
        given.detail
    )
    return Code.PERMITTED


def run(client: Client, given: argparse.Namespace) -> int:
    """The command itself is what people approve, argument by argument, and what then runs."""
    said = _proposal(given)
    if own := sorted(said.keys() & _OF_THE_GATE):
        raise ValueError(f"a package has no field {' or '.join(own)}; countersign-gate run --help lists its options")
    run_id, action_type = said.pop("run_id", None), said.pop("action_type", "run_command")
    key = {"idempotency_key": given.idempotency_key} if given.idempotency_key else {}
    timeout = given.wait
    gated = gate(action_type, client=client, timeout=timeout, asked=say_who_is_waited_for, **said, **key)(execute)
    try:
        if run_id is None:
            gated(given.run)
        else:
            with in_run(run_id, step=given.step):
                gated(given.run)
    except CommandError as fault:
        _say(f"The command was permitted, and failed: {'. '.join([str(fault), *getattr(fault, '__notes__', ())])}")
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


def _proposal(given: argparse.Namespace) -> dict[str, Any]:
    """From the file, then from the options, which come after it."""
    said: dict[str, Any] = json.loads(_text(given.file)) if given.file else {}
    if given.parameters:
        said["action_parameters"] = json.loads(_text(given.parameters))
    said |= {name: value for name, value in given.said.items() if value is not None}
    return said | dict(given.field)


def _text(given: str) -> str:
    """The text itself; that of a file, after an @; or that of standard input, for a dash."""
    if given == "-":
        return sys.stdin.read()
    return Path(given[1:]).read_text(encoding="utf-8") if given.startswith("@") else given


def _print(said: Any) -> None:
    if said is not None:
        print(said if isinstance(said, str) else json.dumps(said, ensure_ascii=False))  # noqa: T201 - its output


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr)  # noqa: T201


if __name__ == "__main__":
    main()
