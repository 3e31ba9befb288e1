"""`countersign audit verify` and `countersign audit export`.

An export is verified line by line, without a database, so that an auditor can do it on another machine. Exit codes: 0
verified; 1 faults; 2 (`NOT_PROVEN`) consistent, but not signed by the pinned key, or not the whole log when compared.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from bot.audit.check import ExportCheck, read_lines
from bot.audit.export import export_csv, export_jsonl
from bot.cli.common import session
from bot.cli.common.output import output_to, parse_time, progress_of
from bot.cli.common.text import plain
from bot.keys import known_public_key, normalize_public_key, signing_key
from bot.settings import Settings, read_settings
from rules.record.earlier import EarlierExport
from rules.record.evidence import Counts, Fault
from store.audit.reader import Progress, Selection, snapshot, verify_database

app = typer.Typer(no_args_is_help=True, help="Verify and export the audit log.")

MAX_FAULTS = 20  # faults that are printed; the rest are counted
NOT_PROVEN = 2  # exit code: the export is consistent, but its origin is not proven


class Format(StrEnum):
    JSONL = "jsonl"
    CSV = "csv"


Export = Annotated[
    typer.FileBinaryRead | None,
    typer.Argument(help="A jsonl export, or - for stdin. Default: the database.", show_default=False),
]
PublicKey = Annotated[
    str | None,
    typer.Option(
        help="The public key that must have signed the export, as base64. Default: this installation's key.",
        metavar="KEY",
        show_default=False,
    ),
]
Against = Annotated[
    typer.FileBinaryRead | None,
    typer.Option(help="An earlier export; the log may only have grown since.", metavar="OLD", show_default=False),
]
Since = Annotated[
    datetime | None,
    typer.Option(help="From this time on, in UTC.", metavar="TIME", parser=parse_time, show_default=False),
]
Until = Annotated[
    datetime | None,
    typer.Option(help="Before this time, in UTC.", metavar="TIME", parser=parse_time, show_default=False),
]
ActionType = Annotated[str | None, typer.Option(help="Only of this action type.", show_default=False)]
Reviewer = Annotated[
    str | None, typer.Option(help="Only events of this person, by Slack id.", metavar="USER_ID", show_default=False)
]
How = Annotated[Format, typer.Option("--format", help="jsonl is signed and can be verified; csv opens as a table.")]
Out = Annotated[
    Path | None, typer.Option(help="Where to write it. Default: stdout.", metavar="FILE", show_default=False)
]


@app.command()
def verify(file: Export = None, public_key: PublicKey = None, against: Against = None) -> None:
    """Verify every chain, and replay all events. Print the faults and exit with 1 if there are any.

    An export is verified by itself, with no server and no database. If it is not signed by the pinned key
    (--public-key, or this installation's own), the exit code is 2. With --against it must continue an earlier export.
    """
    earlier = _verify_earlier(against, public_key) if against else None
    if file is None:
        _print_ok(_verify_database(earlier))
        return
    check = _verify_export(file, public_key, earlier)
    _print_ok(check.counts, f" in a part of the log ({check.part})" if check.part else "")


def _print_ok(counts: Counts, suffix: str = "") -> None:
    events = counts.events + counts.tenant_events
    texts = f"{counts.renderings} renderings, {counts.policies} policies"
    threads = f"{counts.threads} threads, " if counts.threads else ""
    typer.echo(f"OK: {counts.packages} packages, {threads}{events} events, {texts}{suffix}")


def _verify_database(earlier: EarlierExport | None) -> Counts:
    counts = Counts()
    with session.database(read_settings()) as engine, snapshot(engine) as connection, progress_of("packages") as tell:
        _exit_on_faults(verify_database(connection, counts, tell, earlier))
    return counts


def _verify_earlier(file: typer.FileBinaryRead, public_key: str | None) -> EarlierExport:
    """Verify the earlier export itself, and return what the comparison needs."""
    return _verify_export(file, public_key, None, remembers=True).as_earlier


def _verify_export(
    file: typer.FileBinaryRead, public_key: str | None, earlier: EarlierExport | None, *, remembers: bool = False
) -> ExportCheck:
    """Verify an export. If it has faults or is not signed by the pinned key, the command exits here."""
    pinned = normalize_public_key(public_key) if public_key else known_public_key(read_settings())
    check = ExportCheck(pinned, earlier, remembers=remembers)
    with progress_of("lines") as tell:
        faults = check.faults(read_lines(file), lambda lines: tell(lines, 0))
        _exit_on_faults(faults, f"{file.name}: " if remembers else "")
    distrust = check.distrust
    if earlier and check.part:
        distrust = f"this export is a part of the log ({check.part}); give a whole one to compare it"
    if distrust:
        typer.echo(plain(f"not verified: {distrust}"), err=True)
        raise typer.Exit(NOT_PROVEN)
    return check


def _exit_on_faults(faults: Iterable[Fault], prefix: str = "") -> None:
    """Print the first faults and the number of the rest. If there are any, the command exits here."""
    number = 0
    for number, fault in enumerate(faults, 1):
        if number <= MAX_FAULTS:
            typer.echo(plain(f"{prefix}{fault}"), err=True)
    if number > MAX_FAULTS:
        typer.echo(f"... and {number - MAX_FAULTS} more", err=True)
    if number:
        raise typer.Exit(1)


@app.command()
def export(
    since: Since = None,
    until: Until = None,
    *,
    action_type: ActionType = None,
    reviewer: Reviewer = None,
    how: How = Format.JSONL,
    out: Out = None,
) -> None:
    """Write the audit trail. As jsonl, it is the signed record of whole packages; as csv, it is single events.

    A filter selects events; as jsonl, every package in which one was selected is written whole.
    """
    settings, selection = read_settings(), _selection(since, until, action_type, reviewer)
    with progress_of("events" if how is Format.CSV else "packages") as tell, output_to(out) as write:
        for line in _lines(settings, selection, how, tell):
            write(line)


def _selection(
    since: datetime | None, until: datetime | None, action_type: str | None, reviewer: str | None
) -> Selection:
    if since and until and since >= until:
        raise typer.BadParameter("must come before --until", param_hint="'--since'")
    return Selection(since=since, until=until, action_type=action_type, reviewer=reviewer)


def _lines(settings: Settings, selection: Selection, how: Format, tell: Progress) -> Iterator[bytes]:
    with session.database(settings) as engine, snapshot(engine) as connection:
        if how is Format.JSONL:
            yield from export_jsonl(connection, signing_key(settings), session.now(), selection, tell)
        else:
            yield from (line.encode() for line in export_csv(connection, selection, tell))
