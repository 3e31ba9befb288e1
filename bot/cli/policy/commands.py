"""`countersign policy check`, `explain`, `replay`, `show` and `apply`.

`check` reads a file and no database; `explain`, `replay` and `show` only read; `apply` shows what would change, asks,
and puts the policy in force for all replicas. The work is in `explain`, `trial`, `replaying` and `applying`.
"""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError
from pydantic_core import from_json
from sqlalchemy import Connection

from bot.api.problems import validation_problem
from bot.cli.common import session
from bot.cli.common.command_error import CommandError
from bot.cli.common.spans import parse_period
from bot.cli.common.text import as_json
from bot.cli.policy.applying import consequences
from bot.cli.policy.explain import explain_package, render_explanation
from bot.cli.policy.replay_document import replay_document
from bot.cli.policy.replaying import render_replay
from bot.cli.policy.trial import short_trial, try_policy
from bot.settings import read_settings
from rules.package.model import DecisionPackage
from rules.policy.model import Policy
from rules.policy.parse import PolicyError, read_policy
from rules.policy.summary import summary
from store.commands.policies import Activation, PolicyFile, activate_policy, active_digest, is_in_force
from store.installation.policy_texts import load_policy

app = typer.Typer(no_args_is_help=True, help="Check, show, apply, explain and replay the policy.")
_THREE_MONTHS = timedelta(days=90)

File = Annotated[
    Path | None,
    typer.Argument(help="A policy file. Default: COUNTERSIGN_POLICY.", metavar="FILE", show_default=False),
]
Draft = Annotated[
    typer.FileBinaryRead,
    typer.Argument(help="A decision package as an agent would post it; - reads it from stdin.", metavar="DRAFT.json"),
]
Candidate = Annotated[Path, typer.Argument(help="The policy to try.", metavar="FILE")]
Since = Annotated[
    timedelta,
    typer.Option(
        help="How far back, such as 24h or 30d. Default: 90d.",
        metavar="PERIOD",
        parser=parse_period,
        show_default=False,
    ),
]
NewPolicy = Annotated[Path, typer.Argument(help="The policy to put in force.", metavar="FILE")]
Again = Annotated[bool, typer.Option("--again", help="Allow a policy that was in force before and was replaced.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def check(file: File = None) -> None:
    """Check a policy file. Prints its faults, one on each line, or what the policy says."""
    typer.echo(summary(_read_policy(file or read_settings().policy)))


@app.command()
def explain(draft: Draft, *, json: Json = False) -> None:
    """Show the level of a package, why, and who would be asked. Nothing is written."""
    package = _parse_package(draft.read(), draft.name)
    explanation = explain_package(package, read_settings(), session.now())
    typer.echo(as_json(explanation.document()) if json else render_explanation(explanation))


@app.command()
def replay(file: Candidate, *, since: Since = _THREE_MONTHS, json: Json = False) -> None:
    """Show what a policy would have asked in the past. Says what came of those packages, and writes nothing."""
    report = try_policy(_read_policy(file), since)
    typer.echo(as_json(replay_document(report)) if json else render_replay(report))


@app.command("show")
def show_policy() -> None:
    """Print the policy in force, which every replica decides by."""
    typer.echo(summary(session.query(_in_force)))


@app.command()
def apply(file: NewPolicy, *, again: Again = False, yes: Yes = False) -> None:
    """Show what a policy changes, and put it in force. This applies to every replica."""
    raw = file.read_bytes()
    policy_file = PolicyFile(read_policy(raw), raw.decode())
    for line in session.query(lambda connection: list(consequences(connection, policy_file.policy))):
        typer.echo(line)
    if not session.query(lambda connection: is_in_force(connection, policy_file.policy)):
        for line in short_trial(policy_file.policy, str(file)):
            typer.echo(line)
    if not yes:
        _confirm()
    outcome = session.repeatable_transaction(
        lambda connection: activate_policy(connection, policy_file, session.now(), again=again)
    )
    if outcome not in _APPLIED_OUTCOMES:
        raise CommandError(_REFUSED_OUTCOMES[outcome])
    typer.echo(f"{_APPLIED_OUTCOMES[outcome]}: {policy_file.policy.full_version}")


_APPLIED_OUTCOMES = {Activation.APPLIED: "applied", Activation.IN_FORCE: "already in force"}
_REFUSED_OUTCOMES = {
    Activation.REPLACED_BEFORE: "this policy was in force before and has been replaced; add --again to bring it back",
    Activation.HELD_BACK: "this release cannot read the policy in force; add --again to replace it anyway",
}


def _read_policy(path: Path) -> Policy:
    """The policy. If it is not valid, its faults are printed, and the command exits here."""
    try:
        return read_policy(path.read_bytes())
    except PolicyError as error:
        for fault in error.faults:
            typer.echo(f"{path}: {fault}", err=True)
        raise typer.Exit(1) from None


def _in_force(connection: Connection) -> Policy:
    return load_policy(connection, active_digest(connection))


def _confirm() -> None:
    if not sys.stdin.isatty():
        raise CommandError("add --yes to apply it without being asked")
    typer.confirm("Apply this policy?", abort=True)


def _parse_package(raw: bytes, name: str) -> DecisionPackage:
    try:
        body = from_json(raw, allow_inf_nan=False)
    except ValueError as fault:
        raise CommandError(f"{name}: this is not JSON: {fault}") from None
    if not isinstance(body, dict):
        raise CommandError(f"{name}: must be a JSON object")
    try:
        return DecisionPackage.model_validate(body)
    except ValidationError as faults:
        for wrong in validation_problem(faults).errors:
            typer.echo(f"{name}: {wrong['field']}: {wrong['message']}", err=True)
        raise typer.Exit(1) from None
