"""Runs the steps one after another, prints a line for each, and writes the report, also after Ctrl-C.

Ctrl-C cancels the task: the steps that are left count as not tried, and the report is still written. `table` lists the
steps, `run` is what they share, and `report` writes the file.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import structlog
import typer

from bot.cli.common.command_error import CommandError
from bot.cli.common.session import now
from bot.cli.doctor.live_run.arrivals import Arrivals, live_app
from bot.cli.doctor.live_run.message_steps import begin_message
from bot.cli.doctor.live_run.receiving import accepted, receiving
from bot.cli.doctor.live_run.report import report_text, summary
from bot.cli.doctor.live_run.results import Outcome, Result, Verdict, differs, error_word, not_tried, refusal_text
from bot.cli.doctor.live_run.run import LiveRun
from bot.cli.doctor.live_run.table import Step, steps_named
from bot.metrics import Metrics
from bot.settings import Settings
from bot.slack.outgoing.client import SlackClient, web_client
from rules.policy.parse import PolicyError, read_policy
from scheduler.common.messenger import SlackError

INTERRUPTED = 130  # the convention of shells
STOPPED = "the run was stopped before"


def run_live(settings: Settings, channel: str, report: Path, names: Sequence[str], *, keep: bool) -> int:
    """Returns the exit code: 1 if something differs, 130 after Ctrl-C."""
    steps = steps_named(names)
    if report.exists():
        raise CommandError(f"{report} exists already; name another file with --report")
    typer.echo(f"This posts sample cards to {channel} and asks you to press and look. It decides and stores nothing.")
    typer.echo(
        "Stop `countersign serve` first: Slack gives a click to either. Ctrl-C ends the run and writes the report."
    )
    with _without_log():
        return asyncio.run(_run_and_report(settings, channel, report, steps, keep=keep))


@contextmanager
def _without_log() -> Iterator[None]:
    """The terminal shows the steps, not the log of the service's parts."""
    usual = structlog.get_config()
    structlog.configure(**usual | {"wrapper_class": structlog.make_filtering_bound_logger(logging.ERROR)})
    try:
        yield
    finally:
        structlog.configure(**usual)


async def _run_and_report(settings: Settings, channel: str, report: Path, steps: Sequence[Step], *, keep: bool) -> int:
    outcomes: list[Outcome] = []
    async with _open_run(settings, channel) as run:
        try:
            stopped = await _try_steps(run, steps, outcomes)
        finally:
            if not keep:
                await run.clean_up()
        with report.open("x", encoding="utf-8") as file:
            file.write(report_text(run.installed, run.channel, now(), outcomes))
    typer.echo(f"{summary(outcomes)}; the report is in {report}")
    if stopped:
        return INTERRUPTED
    return int(any(outcome.result.verdict is Verdict.DIFFERS for outcome in outcomes))


@asynccontextmanager
async def _open_run(settings: Settings, channel: str) -> AsyncIterator[LiveRun]:
    async with web_client(settings) as web:
        slack, arrivals = SlackClient(web, Metrics()), Arrivals()
        installed = await accepted("SLACK_BOT_TOKEN", slack.installation())
        async with receiving(settings, slack, live_app(web, arrivals)) as socket:
            yield LiveRun(slack, installed, channel, arrivals, socket, _group(settings))


def _group(settings: Settings) -> str | None:
    """A user group of the policy. Without a readable policy, none is mentioned."""
    try:
        roles = read_policy(settings.policy.read_bytes()).roles.values()
    except (OSError, PolicyError):
        return None
    return next((group for role in roles for group in role.groups), None)


async def _try_steps(run: LiveRun, steps: Sequence[Step], outcomes: list[Outcome]) -> bool:
    """Try all steps, add their outcomes, and return whether Ctrl-C stopped them: it cancels this task."""
    try:
        await _begin(run)
        for step in steps:
            _note(outcomes, step, await _attempt(run, step))
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task:
            task.uncancel()
        for step in steps[len(outcomes) :]:
            _note(outcomes, step, not_tried(STOPPED))
        return True
    return False


async def _begin(run: LiveRun) -> None:
    run.arrivals.expect("begin")
    try:
        posted = await run.post(begin_message(run))
    except SlackError as fault:
        fix = "type /invite @Countersign in it" if fault.error == "not_in_channel" else "is its id right?"
        raise CommandError(f"{run.channel}: Slack does not take a message ({error_word(fault)}); {fix}") from fault
    run.channel = posted.channel
    typer.echo("Press Begin in the channel.")
    run.begun = await run.arrivals.first()


async def _attempt(run: LiveRun, step: Step) -> Result:
    try:
        return await step.attempt(run)
    except SlackError as fault:
        return differs(refusal_text(fault))
    except (LookupError, TypeError, ValueError) as fault:
        return differs(f"something came back in another form ({type(fault).__name__})")


def _note(outcomes: list[Outcome], step: Step, result: Result) -> None:
    outcomes.append(Outcome(step.name, step.expected, result))
    typer.echo(outcomes[-1].line)
