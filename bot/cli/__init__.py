"""The command line, `countersign`, for operators and scripts.

Each command stands in a module of this package and is registered here. Errors become one line on stderr.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Annotated, NoReturn

import typer

from bot.cli import agents, audit, callbacks, database, demo, freezing, init, key, queue, serve, show, threads
from bot.cli.common.faults import error_line, is_usage
from bot.cli.doctor import examination
from bot.cli.policy import commands

NAME = "countersign"

app = typer.Typer(
    name=NAME,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)

app.command()(init.init)
app.command()(serve.serve)
app.command()(demo.demo)
app.command()(database.migrate)
app.command()(examination.doctor)
app.command()(queue.queue)
app.command()(show.show)
app.command()(queue.stats)
app.add_typer(agents.app, name="agents")
app.add_typer(threads.app, name="threads")
app.command()(freezing.freeze)
app.command()(freezing.thaw)
app.command("restored")(freezing.record_restore)
app.add_typer(callbacks.app, name="callbacks")
app.add_typer(commands.app, name="policy")
app.add_typer(audit.app, name="audit")
app.add_typer(key.app, name="key")


@app.callback()
def countersign(
    *,
    _version: Annotated[
        bool, typer.Option("--version", callback=database.show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """The human control point of AI agents, in Slack.

    Settings come from the environment, and from .env in the present folder.
    """


def main() -> NoReturn:
    sys.exit(run_command(sys.argv[1:]))


def run_command(arguments: Sequence[str]) -> int:
    """Run one command and return the exit code: 1 if it failed, 2 if it was called in a wrong way."""
    try:
        code = app(args=list(arguments), prog_name=NAME, standalone_mode=False)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader of the output has closed it, as `head` does. Python would fail again when it flushes the rest.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as fault:  # noqa: BLE001 - operators get one line, not a traceback
        typer.echo(error_line(fault, NAME), err=True)
        return 2 if is_usage(fault) else 1
    return code or 0
