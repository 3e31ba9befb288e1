"""`countersign serve`: runs the service until it is told to stop."""

from __future__ import annotations

from typing import Annotated

import typer

from bot.keys import require_key
from bot.settings import read_settings, require_slack


def serve(
    host: Annotated[str | None, typer.Option(help="The address to listen on. Default: COUNTERSIGN_HOST.")] = None,
    port: Annotated[int | None, typer.Option(help="The port to listen on. Default: COUNTERSIGN_PORT.")] = None,
) -> None:
    """Bring the database to the current schema, then serve until SIGTERM or Ctrl-C.

    It needs Slack, because nobody could decide without it. Before it ends, it answers the requests that it has begun.
    """
    options = {"COUNTERSIGN_HOST": host, "COUNTERSIGN_PORT": port}
    settings = read_settings(**{name: value for name, value in options.items() if value is not None})
    require_slack(settings)
    require_key(settings)
    # Slow to import: the other commands start twice as fast without.
    from bot import logs, running  # noqa: PLC0415
    from bot.process.event_loop import run_in_event_loop  # noqa: PLC0415

    logs.set_up(settings.log)
    run_in_event_loop(running.serve_until_stopped(settings))
