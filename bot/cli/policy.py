"""`countersign policy check` and `countersign policy explain`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError
from pydantic_core import from_json

from bot.cli import session
from bot.cli.explain import explained, told
from bot.cli.faults import CommandError
from bot.cli.text import as_json
from bot.problems import invalid
from bot.settings import read_settings
from rules.package import DecisionPackage
from rules.policy_summary import summary
from rules.policy_text import PolicyError, read_policy

app = typer.Typer(no_args_is_help=True, help="Check the policy, and see what it makes of a package.")

File = Annotated[
    Path | None,
    typer.Argument(help="A policy; else the one of COUNTERSIGN_POLICY.", metavar="FILE", show_default=False),
]
Draft = Annotated[
    typer.FileBinaryRead,
    typer.Argument(help="A decision package as an agent would post it; - reads it from stdin.", metavar="DRAFT.json"),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def check(file: File = None) -> None:
    """Say what is wrong with a policy and where, a line each; else print its version and what it says."""
    path = file or read_settings().policy
    try:
        policy = read_policy(path.read_bytes())
    except PolicyError as error:
        for fault in error.faults:
            typer.echo(f"{path}: {fault}", err=True)
        raise typer.Exit(1) from None
    typer.echo(summary(policy))


@app.command()
def explain(draft: Draft, *, json: Json = False) -> None:
    """Show what would become of a package, and why. Nothing is written."""
    package = _package(draft.read(), draft.name)
    settings = read_settings()
    found = explained(package, settings, session.policy_of(settings), session.now())
    typer.echo(as_json(found.document()) if json else told(found))


def _package(raw: bytes, name: str) -> DecisionPackage:
    try:
        body = from_json(raw, allow_inf_nan=False)
    except ValueError as fault:
        raise CommandError(f"{name}: this is not JSON: {fault}") from None
    if not isinstance(body, dict):
        raise CommandError(f"{name}: must be a JSON object")
    try:
        return DecisionPackage.model_validate(body)
    except ValidationError as faults:
        for wrong in invalid(faults).errors:
            typer.echo(f"{name}: {wrong['field']}: {wrong['message']}", err=True)
        raise typer.Exit(1) from None
