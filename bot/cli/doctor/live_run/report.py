"""The report, in Markdown. It holds no token, no address of Slack's and nothing that was not seen in this run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from bot.cli.common.text import plain
from bot.cli.doctor.live_run.results import Outcome, Verdict
from bot.cli.doctor.live_run.table import BY_HAND
from bot.slack.outgoing.client import InstalledApp


def report_text(installed: InstalledApp, channel: str, at: datetime, outcomes: Sequence[Outcome]) -> str:
    return "\n".join(_report_lines(installed, channel, at, outcomes)) + "\n"


def summary(outcomes: Sequence[Outcome]) -> str:
    counts = ((verdict, sum(outcome.result.verdict is verdict for outcome in outcomes)) for verdict in Verdict)
    return ", ".join(f"{count} {verdict}" for verdict, count in counts)


def _report_lines(installed: InstalledApp, channel: str, at: datetime, outcomes: Sequence[Outcome]) -> Iterator[str]:
    yield "# Live run of Countersign"
    yield ""
    yield f"Workspace {installed.team_id}, channel {channel}, {at:%Y-%m-%d %H:%M} UTC: {summary(outcomes)}."
    for verdict in (Verdict.DIFFERS, Verdict.NOT_TRIED, Verdict.AS_EXPECTED):
        yield from _section(verdict, [outcome for outcome in outcomes if outcome.result.verdict is verdict])
    yield from ("", "## To look at by hand", "", "| not tried | how to look at it |", "|---|---|")
    yield from (f"| {subject} | {how} |" for subject, how in BY_HAND.items())


def _section(verdict: Verdict, outcomes: Sequence[Outcome]) -> Iterator[str]:
    if outcomes:
        yield from ("", f"## {verdict.capitalize()}", "", "| step | expected | came back |", "|---|---|---|")
        yield from (f"| {step} | {expected} | {_cell(result.detail)} |" for step, expected, result in outcomes)


def _cell(text: str) -> str:
    """On one line: the operator may have typed anything."""
    return plain(" ".join(text.split())).replace("|", "\\|")
