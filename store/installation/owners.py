"""Checks owners of agents: an owner must be an active, full member of the workspace."""

from __future__ import annotations

from sqlalchemy import Connection, select

from store.installation.installation import INSTALLATION, PEOPLE

_READ = select(INSTALLATION.c.directory_as_of, INSTALLATION.c.directory_read_at)
_PERSON = select(PEOPLE.c.active, PEOPLE.c.is_bot, PEOPLE.c.is_guest, PEOPLE.c.is_stranger)


def is_directory_known(connection: Connection) -> bool:
    """Whether the directory was ever read: before that, nobody is known."""
    return any(connection.execute(_READ).one())


def owner_problem(connection: Connection, user_id: str) -> str | None:
    """Why this person cannot own an agent, according to the directory; None if they can."""
    if not is_directory_known(connection):
        return None
    person = connection.execute(_PERSON.where(PEOPLE.c.user_id == user_id)).one_or_none()
    if person is None:
        return "is not in this workspace's directory"
    faults = (
        (not person.active, "is deactivated"),
        (person.is_bot, "is a bot"),
        (person.is_stranger, "belongs to another workspace"),
        (person.is_guest, "is a guest"),
    )
    return next((fault for applies, fault in faults if applies), None)
