"""`countersign init`: the files that a new installation starts from."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

SOURCE = Path(__file__).parents[2]  # the checkout; in a wheel, the folder countersign_server
FILES = {"policy.toml": "policy.toml", "manifest.yml": "manifest.yml", ".env": ".env.example"}
SECRET = {".env"}  # readable by its owner only
NEXT = """\
Next:
  1. Create a Slack app from manifest.yml at https://api.slack.com/apps, and install it in your workspace.
  2. Put its two tokens into .env.
  3. Name the reviewers, an admin and a channel in policy.toml, and invite the app to the channel.
  4. Run countersign migrate, then countersign doctor, which says what is missing, then countersign serve."""


def init(
    folder: Annotated[Path, typer.Argument(help="The folder to write to.", show_default="the present folder")] = Path(),
) -> None:
    """Write policy.toml, .env and manifest.yml.

    Existing files are kept as they are.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, source in FILES.items():
        is_new = _write_new(folder / name, (SOURCE / source).read_bytes(), 0o600 if name in SECRET else 0o644)
        typer.echo(f"wrote {folder / name}" if is_new else f"kept {folder / name}, which exists")
    typer.echo(NEXT)


def _write_new(path: Path, content: bytes, mode: int) -> bool:
    """Whether the file was written. An existing file or link is never followed, changed or replaced."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except FileExistsError:
        return False
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    return True
