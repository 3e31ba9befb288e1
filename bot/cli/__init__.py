"""The command line, `countersign`, for operators and scripts.

Each command stands in a module of this package, which is imported when the command is used. Errors become one line on
stderr.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib.metadata import version
from typing import Annotated, NoReturn

import typer
from typer.main import get_group

from bot.cli.common.lazy import LazyCommand

NAME = "countersign"

COMMANDS = (
    LazyCommand("init", "bot.cli.init:init", "Write policy.toml, .env and manifest.yml."),
    LazyCommand("serve", "bot.cli.serve:serve", "Bring the database to the current schema, then serve."),
    LazyCommand("demo", "bot.cli.demo:demo", "Show the whole product with no Slack."),
    LazyCommand("migrate", "bot.cli.database:migrate", "Bring the database to the current schema."),
    LazyCommand("doctor", "bot.cli.doctor.examination:doctor", "Check the setup."),
    LazyCommand("queue", "bot.cli.queue:queue", "List what waits for people, the most urgent first."),
    LazyCommand("show", "bot.cli.show:show", "Show a package: what is proposed, and what happened."),
    LazyCommand("stats", "bot.cli.stats:stats", "Measure how people decide, and how long it takes."),
    LazyCommand("agents", "bot.cli.agents.commands:app", "Add agents and manage their keys."),
    LazyCommand("threads", "bot.cli.threads:app", "Hold, resume and cancel the threads of agents."),
    LazyCommand("exceptions", "bot.cli.exceptions:app", "List and revoke exceptions to rules of the policy."),
    LazyCommand("freeze", "bot.cli.freezing:freeze", "Pause all agents at once."),
    LazyCommand("thaw", "bot.cli.freezing:thaw", "End a freeze."),
    LazyCommand("restored", "bot.cli.freezing:record_restore", "Record a restore, and freeze everything."),
    LazyCommand("callbacks", "bot.cli.callbacks:app", "List and resend failed callbacks."),
    LazyCommand("feed", "bot.cli.feed.commands:app", "Show how far the feed is, and send events again."),
    LazyCommand("policy", "bot.cli.policy.commands:app", "Check, show, apply, explain and replay the policy."),
    LazyCommand("audit", "bot.cli.audit:app", "Verify and export the audit log."),
    LazyCommand("report", "bot.cli.report:report", "Write a page about a month for a board."),
    LazyCommand("export", "bot.cli.export:app", "Export what people decided, as data."),
    LazyCommand("key", "bot.cli.key:app", "Print the public key, or seal callback secrets again."),
)

app = typer.Typer(
    name=NAME,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def _show_version(wanted: bool) -> None:  # noqa: FBT001 - typer passes the value by position
    if wanted:
        typer.echo(f"{NAME} {version('countersign-server')}")
        raise typer.Exit


@app.callback()
def countersign(
    *,
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """The human control point of AI agents, in Slack.

    Settings come from the environment, and from .env in the present folder.
    """


program = get_group(app)
for command in COMMANDS:
    program.add_command(command)


def main() -> NoReturn:
    sys.exit(run_command(sys.argv[1:]))


def run_command(arguments: Sequence[str]) -> int:
    """Run one command and return the exit code: 1 if it failed, 2 if it was called in a wrong way."""
    try:
        code = program.main(list(arguments), prog_name=NAME, standalone_mode=False)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader of the output has closed it, as `head` does. Python would fail again when it flushes the rest.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as fault:  # noqa: BLE001 - operators get one line, not a traceback
        from bot.cli.common.faults import error_line, is_usage_error  # noqa: PLC0415 - it knows the errors of all commands

        typer.echo(error_line(fault, NAME), err=True)
        return 2 if is_usage_error(fault) else 1
    return code or 0
