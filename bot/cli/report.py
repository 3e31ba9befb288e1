"""`countersign report`: one HTML page about a month, for a board."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import Connection

from blocks.report.report import report_page
from bot.cli.common import session
from bot.cli.common.output import output_to
from bot.cli.policy.effective import effective_policy
from bot.settings import read_settings
from rules.oversight.months import Month
from rules.oversight.report import Report
from store.oversight.outcomes import count_some
from store.oversight.report import load_report

_STDOUT = Path("-")


def _parse_month(written: str) -> Month:
    try:
        return Month.parse(written)
    except ValueError:
        raise typer.BadParameter("write a month such as 2026-11") from None


def report(
    *,
    month: Annotated[Month, typer.Option(help="Which month, in UTC.", metavar="YYYY-MM", parser=_parse_month)],
    out: Annotated[
        Path | None,
        typer.Option(
            help="Where to write it; - for stdout. Default: countersign-report-YYYY-MM.html here.",
            metavar="FILE",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Write a page about a month for a board."""
    now = session.now()
    if month.begin > now:
        raise typer.BadParameter("this month has not begun", param_hint="'--month'")

    policy = effective_policy(read_settings()).policy

    def read(connection: Connection) -> Report:
        return load_report(connection, month, now, policy)

    session.repeat_until_done(count_some)
    page = report_page(session.query(read))
    target = out or Path(f"countersign-report-{month}.html")
    with output_to(None if target == _STDOUT else target) as write:
        write(page.encode())
    if target != _STDOUT:
        typer.echo(f"the report is in {target}")
