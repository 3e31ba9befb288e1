"""Whether any process sends mails. Processes without a mail server must know, because they too write who is told what.

A process that sends mails says so every day, and is believed for a week. All times are business time.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, select, update

from store.installation.installation import INSTALLATION

SAID_EVERY = timedelta(days=1)
BELIEVED_FOR = timedelta(days=7)

_SAY = update(INSTALLATION).values(mails_until=bindparam("until", type_=INSTALLATION.c.mails_until.type))
_UNTIL = select(INSTALLATION.c.mails_until)


def say_mails_are_sent(connection: Connection, now: datetime) -> None:
    connection.execute(_SAY, {"until": now + BELIEVED_FOR})


def are_mails_sent(connection: Connection, now: datetime) -> bool:
    until = connection.execute(_UNTIL).scalar()
    return until is not None and now < until
