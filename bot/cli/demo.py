"""`countersign demo`: the whole product on this machine, with a stand-in for Slack and sample agents."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from bot.cli.common.command_error import CommandError


def demo(
    *,
    port: Annotated[int, typer.Option(help="The port on this machine; 0 takes a free one.", min=0, max=65535)] = 8080,
    folder: Annotated[Path, typer.Option(help="The folder for its data.", file_okay=False)] = Path("countersign-demo"),
    fresh: Annotated[bool, typer.Option("--fresh", help="Start over: delete the demo's data in the folder.")] = False,
    browser: Annotated[
        bool | None, typer.Option("--open/--no-open", help="Open the page in a browser; default: from a terminal.")
    ] = None,
) -> None:
    """Show the whole product with no Slack: sample agents, and a workspace in the browser.

    The next start continues where it was. It listens on this machine alone, and needs no settings.
    """
    from bot.demo.faults import DemoError  # noqa: PLC0415 - slow to import
    from bot.demo.folder import Folder  # noqa: PLC0415
    from bot.demo.running import run_demo  # noqa: PLC0415

    wanted = sys.stdout.isatty() if browser is None else browser
    try:
        run_demo(Folder(folder), port, typer.echo, fresh=fresh, browser=wanted)
    except DemoError as fault:
        raise CommandError(str(fault)) from fault
