"""`countersign export decisions`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from bot.audit.csv_lines import csv_line
from bot.audit.decisions import export_decisions
from bot.cli.common import session
from bot.cli.common.command_error import CommandError
from bot.cli.common.output import output_to, parse_time, progress_of
from bot.keys import signing_key
from bot.settings import Settings, read_settings
from rules.record.decision_rows import COLUMNS, Row
from store.audit.reader import Progress, Selection, snapshot
from store.commands.policies import active_digest
from store.installation.policy_texts import load_policy

app = typer.Typer(no_args_is_help=True, help="Export what people decided, as data.")


@app.callback()
def _group() -> None:
    """Export what people decided, as data."""


@app.command("decisions")
def decisions(
    *,
    since: Annotated[datetime, typer.Option(help="From this time on, in UTC.", metavar="TIME", parser=parse_time)],
    until: Annotated[
        datetime | None,
        typer.Option(help="Before this time, in UTC.", metavar="TIME", parser=parse_time, show_default=False),
    ] = None,
    action_type: Annotated[str | None, typer.Option(help="Only of this action type.", show_default=False)] = None,
    csv: Annotated[bool, typer.Option("--csv/--jsonl", help="As a table, or as a JSON object in each line.")] = False,
    out: Annotated[
        Path | None, typer.Option(help="Where to write it. Default: stdout.", metavar="FILE", show_default=False)
    ] = None,
) -> None:
    """Write a row for each decision. It holds what was proposed, who decided what and why, and what came of it.

    People have pseudonyms. The policy's [feedback] redact leaves out what must not leave the installation.
    """
    if until and since >= until:
        raise typer.BadParameter("must come before --until", param_hint="'--since'")
    selection = Selection(since=since, until=until, action_type=action_type)
    with progress_of("packages") as tell, output_to(out) as write:
        for line in _lines(read_settings(), selection, tell, csv=csv):
            write(line.encode())


def _lines(settings: Settings, selection: Selection, tell: Progress, *, csv: bool) -> Iterator[str]:
    if csv:
        yield csv_line(COLUMNS)
    for row in _rows(settings, selection, tell):
        yield csv_line(row.values()) if csv else json.dumps(row, separators=(",", ":")) + "\n"


def _rows(settings: Settings, selection: Selection, tell: Progress) -> Iterator[Row]:
    with session.database(settings) as engine, snapshot(engine) as connection:
        policy = load_policy(connection, active_digest(connection))
        try:
            yield from export_decisions(connection, signing_key(settings), policy, selection, tell)
        except (KeyError, TypeError) as fault:
            raise CommandError("the record cannot be read: `countersign audit verify` says where") from fault
