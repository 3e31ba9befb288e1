"""The command line of `countersign-gate`: its commands, options and help texts.

`args.fields` holds the proposal's fields that were given as options, and nothing else (`_StoreField`): `--file` and
`--field` add to them. `cli` runs the commands. `_EPILOG` repeats the exit codes of `cli_codes`.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Collection
from typing import Any

_EPILOG = """\
COUNTERSIGN_URL says where the service is, COUNTERSIGN_AGENT_KEY who asks.

exit codes:
  0  permitted (run: and the command succeeded; request without --wait: it is asked; recover: it may be tried again)
  1  the request is wrong, or was not accepted
  2  the command line is wrong
  3  a person refused: rejected, overridden, revoked or taken over (recover: it is left as it is)
  4  time ran out: it expired, or the permission lapsed
  5  nobody has decided yet, or a person holds the thread
  6  a person wants changes or more evidence, or has resumed the thread with another state
  7  it was withdrawn, or its thread was cancelled
  8  the service is out of reach
  9  the permission was used before; whether that ran may be unknown
  10 run: it was permitted, and the command failed; stderr has its own exit status
  11 run: the command has run, and the service could not be told; do not run it again
  12 it failed, and people ask for a rollback
"""
_FIELD_HELP = {
    "title": "what it is, in a few words: the first line that people read",
    "action_type": "the policy's name for it, such as send_email",
    "proposed_action": "what exactly would be done, in a sentence",
    "rationale": "why it should be done",
    "risk_level": "low, medium, high or critical: how grave it would be if this were wrong",
    "confidence": "how sure you are that it is right, from 0 to 1",
    "run_id": "which run this belongs to: started again, the same run asks the same only once",
}
REQUIRED_TO_REQUEST = ("title", "action_type", "proposed_action", "rationale", "risk_level", "confidence")
REQUIRED_TO_RUN = ("risk_level", "confidence")  # the rest has defaults made from the command
_CLAIM_ID_HELP = "an id of your own for this attempt; left out, one is made and printed"


class _StoreField(argparse.Action):
    """Collects the proposal's fields in the namespace's `fields`, apart from the other options."""

    def __call__(
        self, _: argparse.ArgumentParser, namespace: argparse.Namespace, value: Any, __: str | None = None
    ) -> None:
        namespace.fields = {**namespace.fields, self.dest: value}


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="countersign-gate",
        description="Asks people in Slack before something is done, and says by its exit code what they decided.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    request = commands.add_parser(
        "request", help="ask; prints the package's id, or with --wait the approved parameters"
    )
    _add_proposal(request, REQUIRED_TO_REQUEST)
    _add_wait(request, "wait")
    run = commands.add_parser("run", help="ask whether a command may run, then run it: run … -- CMD")
    _add_proposal(run, REQUIRED_TO_RUN)
    _add_wait(run, "wait")
    run.add_argument(
        "--retries",
        type=int,
        default=0,
        metavar="NUMBER",
        help="if the command fails, wait for people, and run it again if they allow it, so often at most",
    )
    run.add_argument("run", nargs="+", metavar="CMD", help="the command and its arguments, after --")
    wait = _add_package_command(
        commands, "wait", "wait for a decision, and show what people write; prints the approved parameters"
    )
    _add_wait(wait, "timeout", dest="wait")
    recover = _add_package_command(commands, "recover", "wait until people decide about a failure; prints their words")
    _add_wait(recover, "timeout", dest="wait")
    say = _add_package_command(commands, "say", "write to the people who read the package; it decides nothing")
    say.add_argument("text", metavar="TEXT", help="what to say: the text, @FILE or - for standard input")
    _add_package_command(commands, "get", "print how it stands")
    _add_package_command(commands, "claim", "take the permission, once").add_argument("--claim-id", help=_CLAIM_ID_HELP)
    report = _add_package_command(commands, "report", "say what came of it")
    report.add_argument("state", choices=["succeeded", "failed", "rolled_back"], help="what came of it")
    report.add_argument("--claim-id", required=True, help="under which it was claimed, as `claim` printed it")
    report.add_argument("--detail", help="a sentence for the people who approved")
    return parser


def _add_package_command(commands: Any, name: str, text: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=text)
    parser.add_argument("package_id", metavar="ID", help="the package's id, as `request` printed it")
    return parser


def _add_wait(parser: argparse.ArgumentParser, name: str, dest: str | None = None) -> None:
    text = "wait for people, for so many seconds; without a number, for as long as it takes"
    parser.add_argument(f"--{name}", dest=dest, nargs="?", type=float, const=math.inf, metavar="SECONDS", help=text)
    parser.add_argument("--json", action="store_true", help="print the whole status document")


def option_name(field: str) -> str:
    return f"--{field.replace('_', '-')}"


def _add_proposal(parser: argparse.ArgumentParser, required: Collection[str]) -> None:
    parser.set_defaults(fields={})
    for name, text in _FIELD_HELP.items():
        parser.add_argument(
            option_name(name),
            dest=name,
            type=float if name == "confidence" else str,
            action=_StoreField,
            default=argparse.SUPPRESS,
            help=f"required, here or in --file: {text}" if name in required else text,
        )
    parser.add_argument("--parameters", metavar="JSON", help="the exact arguments: JSON, @FILE or - for standard input")
    parser.add_argument(
        "--file",
        metavar="JSON",
        help="the whole proposal: JSON, @FILE or - for standard input; options replace its fields",
    )
    parser.add_argument(
        "--field",
        type=_field,
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="any other field, in JSON or as text",
    )
    parser.add_argument("--step", default="", help="with --run-id: the same step again is the same request")
    parser.add_argument("--idempotency-key", help="a key of your own: the same key again is the same request")


def _field(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"{text!r} must be NAME=VALUE")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value
