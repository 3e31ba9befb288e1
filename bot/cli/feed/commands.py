"""`countersign feed …`: shows how far the feed is, and sends events again."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any

import typer

from bot.cli.common import session
from bot.cli.common.command_error import CommandError
from bot.cli.common.output import parse_time
from bot.cli.common.text import as_json, iso, plain
from rules.record.chain import rfc3339
from store.feed import feed_admin
from store.feed.chains import FeedKind
from store.feed.feed_admin import FeedReport, LostEvent

app = typer.Typer(no_args_is_help=True, help="Show how far the feed is, and send events again.")

BATCH = 500  # chains that one transaction marks to be sent again
SHOWN = 20  # events that were given up
OFF = "the feed has never run; COUNTERSIGN_FEED_URL or COUNTERSIGN_FEED_FILE turns it on"

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Chain = Annotated[
    str | None,
    typer.Argument(help="A package, a thread (thr_…), or the installation (inst_…).", metavar="ID", show_default=False),
]
Since = Annotated[
    datetime | None,
    typer.Option(help="All events since this time.", metavar="TIME", parser=parse_time, show_default=False),
]
To = Annotated[FeedKind | None, typer.Option("--to", help="Only to this receiver.", show_default=False)]


@app.command("status")
def show_feeds(*, json: Json = False) -> None:
    """Show for each receiver how far it is, its trouble if it has one, and which events were given up."""
    reports, lost = session.query(
        lambda connection: (feed_admin.report_feeds(connection), feed_admin.list_lost_events(connection, SHOWN))
    )
    if json:
        typer.echo(as_json([_document(report, lost) for report in reports]))
        return
    typer.echo("\n".join(line for report in reports for line in _lines(report, lost)) or OFF)


def _document(report: FeedReport, lost: list[LostEvent]) -> dict[str, Any]:
    document = report._asdict() | report.lane._asdict()
    document["latest_lost"] = [event._asdict() for event in lost if event.feed == report.feed]
    return {name: _as_written(value) for name, value in document.items() if name != "lane"}


def _as_written(value: Any) -> Any:
    match value:
        case datetime():
            return rfc3339(value)
        case dict():
            return {name: _as_written(part) for name, part in value.items()}
        case list():
            return [_as_written(part) for part in value]
        case _:
            return value


def _lines(report: FeedReport, lost: list[LostEvent]) -> list[str]:
    lane = report.lane
    lines = [f"{report.feed}: {_backlog(report)}", f"  since {iso(lane.begun_at)}, last taken {_moment(lane.taken_at)}"]
    if report.is_in_trouble and lane.failing_since:
        lines.append(f"  fails since {iso(lane.failing_since)}: {plain(lane.last_error or '')}")
        lines.append(f"  tried again {_moment(lane.retry_at)}")
    if report.lost:
        lines.append(f"  given up: {report.lost}; `countersign feed replay ID` sends them again")
        lines += [_lost_line(event) for event in lost if event.feed == report.feed]
    return lines


def _backlog(report: FeedReport) -> str:
    if not report.behind or report.behind_since is None:
        return "nothing waits"
    return f"{report.behind} waiting, the oldest from {iso(report.behind_since)}"


def _lost_line(event: LostEvent) -> str:
    return f"  {event.chain_id} event {event.revision}, {iso(event.given_up_at)}: {plain(event.error)}"


def _moment(moment: datetime | None) -> str:
    return iso(moment) if moment else "never"


@app.command("replay")
def send_events_again(chain: Chain = None, since: Since = None, to: To = None) -> None:
    """Send events again, with the same ids and in the same order: those since a time, or all of one chain."""
    if (chain is None) is (since is None):
        raise typer.BadParameter("give --since TIME, or the id of one chain")
    feeds = [report.feed for report in session.query(feed_admin.report_feeds) if to in (None, report.feed)]
    if not feeds:
        raise CommandError(OFF)
    stretches = session.query(partial(feed_admin.find_stretches, since=since, chain_id=chain))
    for feed in feeds:
        for start in range(0, len(stretches), BATCH):
            some = stretches[start : start + BATCH]
            session.repeatable_transaction(
                partial(feed_admin.send_again, feed=feed, stretches=some, now=datetime.now(UTC))
            )
    count = sum(stretch.last - stretch.first + 1 for stretch in stretches)
    again = f"events to be sent again to the {' and the '.join(feeds)}: {count}"
    typer.echo(again if count else "no such events")
