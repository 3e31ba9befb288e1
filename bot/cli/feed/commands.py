"""`countersign feed …`: shows how far the feed is, and sends events again.

A *chain* is the events of one package, one thread or the installation. It is *held* if the receiver took other events
and refuses its next one. An event is *lost* once it was given up. The commands only mark chains in the database;
`countersign serve` does the sending.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any, NamedTuple

import typer
from sqlalchemy import Connection

from bot.cli.common import session
from bot.cli.common.command_error import CommandError
from bot.cli.common.output import parse_time
from bot.cli.common.text import as_json, iso, plain
from bot.settings import read_settings
from rules.record.chain import rfc3339
from store.feed import feed_admin
from store.feed.chains import FeedKind
from store.feed.feed_admin import FeedReport, HeldChain, LostEvent

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
    """Show how far each receiver is. Its trouble and the events that were given up are shown too."""
    feeds = session.query(_load_status)
    if json:
        typer.echo(as_json([_document(feed) for feed in feeds]))
        return
    typer.echo("\n".join(line for feed in feeds for line in _lines(feed)) or OFF)


class _FeedStatus(NamedTuple):
    report: FeedReport
    unseen: int
    held: list[HeldChain]
    lost: list[LostEvent]


def _load_status(connection: Connection) -> list[_FeedStatus]:
    held = feed_admin.list_held_chains(connection, SHOWN)
    lost = feed_admin.list_lost_events(connection, SHOWN)
    return [
        _FeedStatus(
            report,
            feed_admin.count_unseen_chains(connection, report.feed, report.lane.begun_at),
            [chain for chain in held if chain.feed == report.feed],
            [event for event in lost if event.feed == report.feed],
        )
        for report in feed_admin.report_feeds(connection)
    ]


def _document(feed: _FeedStatus) -> dict[str, Any]:
    document = feed.report._asdict() | feed.report.lane._asdict() | {"unseen": feed.unseen}
    document["held_chains"] = [chain._asdict() for chain in feed.held]
    document["latest_lost"] = [event._asdict() for event in feed.lost]
    return {name: _with_times_as_text(value) for name, value in document.items() if name != "lane"}


def _with_times_as_text(value: Any) -> Any:
    match value:
        case datetime():
            return rfc3339(value)
        case dict():
            return {name: _with_times_as_text(part) for name, part in value.items()}
        case list():
            return [_with_times_as_text(part) for part in value]
        case _:
            return value


def _lines(feed: _FeedStatus) -> list[str]:
    report, lane = feed.report, feed.report.lane
    lines = [f"{report.feed}: {_backlog(feed)}", f"  since {iso(lane.begun_at)}, last taken {_moment(lane.taken_at)}"]
    if report.is_in_trouble and lane.failing_since:
        lines.append(f"  fails since {iso(lane.failing_since)}: {plain(lane.last_error or '')}")
        lines.append(f"  tried again {_moment(lane.retry_at)}")
    if report.held:
        lines.append(f"  refused, and tried again: {report.held}; `countersign feed skip ID` gives up the event")
        lines += [_held_line(chain) for chain in feed.held]
    if report.lost:
        lines.append(f"  given up: {report.lost}; `countersign feed replay ID` sends them again")
        lines += [_lost_line(event) for event in feed.lost]
    return lines


def _backlog(feed: _FeedStatus) -> str:
    report = feed.report
    unseen = f"{feed.unseen} packages or threads with events that no process has seen yet" if feed.unseen else ""
    if not report.behind or report.behind_since is None:
        return unseen or "nothing waits"
    waiting = f"{report.behind} waiting, the oldest from {iso(report.behind_since)}"
    return f"{waiting}, and {unseen}" if unseen else waiting


def _held_line(chain: HeldChain) -> str:
    times = f"refused {chain.attempts} times, again {iso(chain.retry_at)}"
    return f"  {chain.chain_id} event {chain.revision}, {times}: {plain(chain.error or '')}"


def _lost_line(event: LostEvent) -> str:
    return f"  {event.chain_id} event {event.revision}, {iso(event.given_up_at)}: {plain(event.error)}"


def _moment(moment: datetime | None) -> str:
    return iso(moment) if moment else "never"


@app.command("replay")
def send_events_again(chain: Chain = None, since: Since = None, to: To = None) -> None:
    """Send events again: since a time, or of one chain. Ids and order are the same."""
    if (chain is None) is (since is None):
        raise typer.BadParameter("give --since TIME, or the id of one chain")
    feeds = [report.feed for report in session.query(feed_admin.report_feeds) if to in (None, report.feed)]
    if not feeds:
        raise CommandError(OFF)
    stretches = session.query(partial(feed_admin.find_stretches, since=since, chain_id=chain))
    for feed in feeds:
        for start in range(0, len(stretches), BATCH):
            batch = stretches[start : start + BATCH]
            session.repeatable_transaction(
                partial(feed_admin.send_again, feed=feed, stretches=batch, now=datetime.now(UTC))
            )
    count = sum(stretch.last - stretch.first + 1 for stretch in stretches)
    again = f"events to be sent again to the {' and the '.join(feeds)}: {count}"
    typer.echo(again if count else "no such events")


@app.command("skip")
def skip_held_event(
    chain: Annotated[str, typer.Argument(help="A package, a thread, or the installation.", metavar="ID")],
    to: To = None,
) -> None:
    """Give up the event that a receiver refuses. Those after it are sent, and `replay` sends it again."""
    skip = partial(feed_admin.skip_held_event, chain_id=chain, now=datetime.now(UTC), feed=to)
    if not (feeds := session.repeatable_transaction(skip)):
        raise CommandError(f"no receiver refuses an event of {chain}; `countersign feed status` shows what is refused")
    typer.echo(f"skipped for the {' and the '.join(feeds)}")


@app.command("forget")
def forget_receiver(receiver: Annotated[FeedKind, typer.Argument(show_default=False)]) -> None:
    """Forget a receiver that was turned off, and how far it was. Turned on again, its feed begins anew."""
    if receiver in read_settings().feeds:
        raise CommandError(f"the settings still name the {receiver}; turn it off first")
    if not session.repeatable_transaction(partial(feed_admin.forget_feed, feed=receiver)):
        raise CommandError(f"there is no feed to the {receiver}")
    typer.echo(f"forgotten: the feed to the {receiver}")
