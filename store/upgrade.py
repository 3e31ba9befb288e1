"""Takes a database up to the newest schema, with alembic."""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

from store.migrate import MIGRATIONS


def upgrade(connection: Connection) -> None:
    command.upgrade(config(connection), "head")


def config(connection: Connection | None = None) -> Config:
    its = Config()
    its.set_main_option("script_location", str(MIGRATIONS))
    its.attributes["connection"] = connection
    return its
