"""`countersign serve`: runs the service until it is told to stop."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from bot.keys import require_key
from bot.settings import read_settings, require_slack


def serve(
    host: Annotated[str | None, typer.Option(help="Where to listen; default: COUNTERSIGN_HOST.")] = None,
    port: Annotated[int | None, typer.Option(help="On which port; default: COUNTERSIGN_PORT.")] = None,
) -> None:
    """Bring the database to the current schema, then serve until SIGTERM or Ctrl-C.

    It takes Slack: without it nobody could decide.
    Requests that were begun are finished, and whoever waits for an answer gets it, before the process ends.
    """
    options = {"COUNTERSIGN_HOST": host, "COUNTERSIGN_PORT": port}
    settings = read_settings(**{name: value for name, value in options.items() if value is not None})
    require_slack(settings)
    require_key(settings)
    from bot import logs, running  # noqa: PLC0415 - slow to import: the other commands start twice as fast without

    logs.set_up(settings.log)
    asyncio.run(running.serve_until_stopped(settings))
