"""A command that is known by its name and one line, and imported when it is used.

Most commands need a part of the service that takes a second to import, and `--help` needs none of it.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand
from typer.main import get_group


class LazyCommand(TyperCommand):
    """Stands in a group for the command, or group of commands, that `place` names as `module:attribute`."""

    def __init__(self, name: str, place: str, summary: str) -> None:
        super().__init__(name, help=summary)
        self.place = place

    def load(self) -> Any:
        """The command itself."""
        module, _, attribute = self.place.partition(":")
        target = getattr(import_module(module), attribute)
        holder = typer.Typer(rich_markup_mode=None)
        if isinstance(target, typer.Typer):
            holder.add_typer(target, name=self.name)
        else:
            holder.command(self.name)(target)
        return get_group(holder).commands[str(self.name)]

    def make_context(self, *arguments: Any, **options: Any) -> Any:
        """The context in which the command itself runs."""
        return self.load().make_context(*arguments, **options)
