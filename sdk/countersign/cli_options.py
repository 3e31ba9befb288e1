"""What `countersign-gate` takes."""

from __future__ import annotations

import argparse
import json
import math
from typing import Any

_EPILOG = """\
COUNTERSIGN_URL says where the service is, COUNTERSIGN_AGENT_KEY who asks.

exit codes:
  0  permitted (run: and the command succeeded; request without --wait: it is asked)
  1  the request is wrong, or was not accepted
  2  the command line is wrong
  3  a person refused: rejected, overridden, revoked or taken over
  4  time ran out: it expired, or the permission lapsed
  5  nobody has decided yet
  6  a person wants changes or more evidence
  7  it was withdrawn
  8  the service is out of reach
  9  the permission was used before; whether that ran may be unknown
  10 run: it was permitted, and the command failed; stderr has its own exit status
  11 run: the command has run, and the service could not be told; do not run it again
"""
_SAID = {
    "title": "what it is, in a few words: the first line that people read",
    "action_type": "the policy's name for it, such as send_email",
    "proposed_action": "what exactly would be done, in a sentence",
    "rationale": "why it should be done",
    "risk_level": "low, medium, high or critical: how grave it would be if this were wrong",
    "confidence": "how sure you are that it is right, from 0 to 1",
    "run_id": "which run this belongs to: started again, the same run asks the same only once",
}
_CLAIM = "an id of your own for this attempt; left out, one is made and printed"


class _Said(argparse.Action):
    """Collects what is said of the proposal under `said`."""

    def __call__(
        self, _: argparse.ArgumentParser, given: argparse.Namespace, value: Any, __: str | None = None
    ) -> None:
        given.said = {**given.said, self.dest: value}


def parser() -> argparse.ArgumentParser:
    its = argparse.ArgumentParser(
        prog="countersign-gate",
        description="Asks people in Slack before something is done, and says by its exit code what they decided.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = its.add_subparsers(dest="command", required=True, metavar="COMMAND")
    asking = commands.add_parser("request", help="ask; prints the package's id, or with --wait the approved parameters")
    _add_proposal(asking)
    _add_wait(asking, "wait")
    running = commands.add_parser("run", help="ask whether a command may run, then run it: run … -- CMD")
    _add_proposal(running)
    _add_wait(running, "wait")
    running.add_argument("run", nargs="+", metavar="CMD", help="the command and its arguments, after --")
    waiting = _of_package(commands, "wait", "wait for a decision; prints the approved parameters")
    _add_wait(waiting, "timeout", dest="wait")
    _of_package(commands, "get", "print how it stands")
    _of_package(commands, "claim", "take the permission, once").add_argument("--claim-id", help=_CLAIM)
    reporting = _of_package(commands, "report", "say what came of it")
    reporting.add_argument("state", choices=["succeeded", "failed", "rolled_back"], help="what came of it")
    reporting.add_argument("--claim-id", required=True, help="under which it was claimed, as `claim` printed it")
    reporting.add_argument("--detail", help="a sentence for the people who approved")
    return its


def _of_package(commands: Any, name: str, text: str) -> argparse.ArgumentParser:
    its: argparse.ArgumentParser = commands.add_parser(name, help=text)
    its.add_argument("package_id", metavar="ID", help="the package's id, as `request` printed it")
    return its


def _add_wait(its: argparse.ArgumentParser, name: str, dest: str | None = None) -> None:
    text = "wait for people, for so many seconds; without a number, for as long as it takes"
    its.add_argument(f"--{name}", dest=dest, nargs="?", type=float, const=math.inf, metavar="SECONDS", help=text)
    its.add_argument("--json", action="store_true", help="print the whole status document")


def _add_proposal(its: argparse.ArgumentParser) -> None:
    its.set_defaults(said={})
    for name, text in _SAID.items():
        kind = float if name == "confidence" else str
        option = f"--{name.replace('_', '-')}"
        its.add_argument(option, dest=name, type=kind, action=_Said, default=argparse.SUPPRESS, help=text)
    its.add_argument("--parameters", metavar="JSON", help="the exact arguments: JSON, @FILE or - for standard input")
    its.add_argument("--file", metavar="JSON", help="the whole proposal in the same ways; options come after it")
    its.add_argument(
        "--field",
        type=_field,
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="any other field, in JSON or as text",
    )
    its.add_argument("--step", default="", help="with --run-id: the same step again is the same request")
    its.add_argument("--idempotency-key", help="a key of your own: the same key again is the same request")


def _field(text: str) -> tuple[str, Any]:
    name, given, value = text.partition("=")
    if not given:
        raise argparse.ArgumentTypeError(f"{text!r} must be NAME=VALUE")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value
