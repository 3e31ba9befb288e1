"""What long commands share: times as options, output to stdout or to a file, and progress on a terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import typer

from store.audit.reader import Progress

PROGRESS_INTERVAL = 0.2  # seconds between two updates


def parse_time(text: str) -> datetime:
    """Parse a date or a time. Without an offset it is in UTC."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter("write a time such as 2026-11-20 or 2026-11-20T12:00:00Z") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


@contextmanager
def output_to(out: Path | None) -> Iterator[Callable[[bytes], object]]:
    """Yield the function that writes. A file appears only once it is complete."""
    if out is None:
        yield sys.stdout.buffer.write
        sys.stdout.buffer.flush()
        return
    part = out.with_name(f"{out.name}.part")
    try:
        with part.open("wb") as file:
            yield file.write
        part.replace(out)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def progress_of(unit: str) -> Iterator[Progress]:
    """Yield the function that shows progress. It writes to a terminal only: a log or a script gets none."""
    is_terminal, last = sys.stderr.isatty(), time.monotonic()

    def tell(done: int, total: int) -> None:
        nonlocal last
        if is_terminal and time.monotonic() - last > PROGRESS_INTERVAL:
            last = time.monotonic()
            typer.echo(f"\r{done}{f' of {total}' if total else ''} {unit}", nl=False, err=True)

    try:
        yield tell
    finally:
        if is_terminal:
            typer.echo("\r\x1b[K", nl=False, err=True)
