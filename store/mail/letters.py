"""The mails themselves. They are rows of the outbox, claimed, retried and given up like callbacks.

A mail is opened for a person who must be told of something, without a text. Before each attempt its text is made of
all that the person must be told then, and saved. Once an attempt may have arrived, the text stays as it is, so that a
second one is the same message. `unanswered` is counted before the text is sent, and counted back if an answer came.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, and_, bindparam, func, or_, select, text, update

from store.installation.tenancy import read_tenant_id
from store.mail.agenda import (
    IN_MAIL,
    NEED_COLUMNS,
    OF_LANE,
    OF_MAIL,
    OF_PERSON,
    KnownObstacles,
    OpenNeed,
    agenda_key,
    drop_ruled_out,
    put_off,
    read_need,
)
from store.mail.needs import NEEDS, NO_PACKAGE, NeedState
from store.outbox.callbacks import CALLBACKS, CallbackState, PostKind
from store.outbox.deliveries import STILL_CLAIMED, ClaimedCallback

# A need of a resent mail stays recorded until another attempt can have arrived.
_RESENT = and_(NEEDS.c.state == NeedState.RECORDED.value, OF_MAIL)
_TOLD = select(*NEED_COLUMNS).where(*OF_PERSON, or_(IN_MAIL, _RESENT))
_THIS_NEED = (
    *OF_PERSON,
    NEEDS.c.package_id == bindparam("package"),
    NEEDS.c.reason == bindparam("why"),
    NEEDS.c.occasion == bindparam("nth"),
    or_(NEEDS.c.state == NeedState.DUE.value, IN_MAIL),
)
# Needs that only an earlier text told, which was never sent, are due again.
_TAKE_OUT = update(NEEDS).where(*OF_PERSON, IN_MAIL).values(state=NeedState.DUE.value, mail_id=None, digest=None)
_PUT_IN = update(NEEDS).where(*_THIS_NEED).values(state="written", mail_id=bindparam("mail"), digest=bindparam("sum"))
_DROP = update(NEEDS).where(*_THIS_NEED).values(state="dropped", dropped=bindparam("because"))
_OF_TENANT = NEEDS.c.tenant_id == bindparam("tenant")
_SENT = update(NEEDS).where(_OF_TENANT, IN_MAIL).values(state=NeedState.SENT.value)
_SENT_AGAIN = update(NEEDS).where(_OF_TENANT, or_(IN_MAIL, _RESENT)).values(state=NeedState.SENT.value)
_MAY_HAVE_ARRIVED = select(CALLBACKS.c.unanswered).where(
    CALLBACKS.c.tenant_id == bindparam("tenant"),
    CALLBACKS.c.callback_id == bindparam("mail"),
    CALLBACKS.c.state == CallbackState.DEAD.value,
    CALLBACKS.c.unanswered > 0,
)
_NEVER_WRITTEN = select(CALLBACKS.c.callback_id).where(
    CALLBACKS.c.tenant_id == bindparam("tenant"),
    CALLBACKS.c.callback_id == bindparam("mail"),
    CALLBACKS.c.state == CallbackState.DEAD.value,
    CALLBACKS.c.unanswered == 0,
    ~select(NEEDS.c.user_id).where(NEEDS.c.tenant_id == CALLBACKS.c.tenant_id, IN_MAIL).exists(),
)
_TAKE_ALONG = update(NEEDS).where(*OF_LANE).values(state=NeedState.WRITTEN.value, mail_id=bindparam("mail"))
_WRITTEN = update(CALLBACKS).where(*STILL_CLAIMED).values(body=bindparam("new_body"))
_BEGIN = update(CALLBACKS).where(*STILL_CLAIMED).values(unanswered=CALLBACKS.c.unanswered + 1)
_ANSWERED = update(CALLBACKS).where(*STILL_CLAIMED).values(unanswered=CALLBACKS.c.unanswered - 1)
_TEXT_PUT_OFF = update(CALLBACKS).where(*STILL_CLAIMED).values(text_put_off=True)
_WORDS_REFUSED = update(CALLBACKS).where(*STILL_CLAIMED).values(words_refused=True)


class LetterContents(NamedTuple):
    """The needs that a text tells and drops. Others that were noted until `newest` are put off until `until`."""

    tells: Collection[OpenNeed]
    drops: Mapping[OpenNeed, str]
    known: KnownObstacles
    newest: datetime | None
    until: datetime


def load_told(connection: Connection, mail: ClaimedCallback) -> list[OpenNeed]:
    """The needs that the saved text of this mail tells."""
    return [read_need(row) for row in connection.execute(_TOLD, agenda_key(mail))]


def write_letter(
    connection: Connection, mail: ClaimedCallback, body: str, digest: str, contents: LetterContents
) -> bool:
    """Save the text and which needs it tells, before it is sent. False if another process has claimed the mail."""
    if not connection.execute(_WRITTEN, _key(mail) | {"new_body": body}).rowcount:
        return False
    connection.execute(_TAKE_OUT, {"tenant": mail.tenant_id, "user": mail.agent_id, "mail": mail.callback_id})
    if contents.tells:
        connection.execute(_PUT_IN, [_need_key(mail, need) | {"sum": digest} for need in contents.tells])
    if contents.drops:
        connection.execute(_DROP, [_need_key(mail, need) | {"because": why} for need, why in contents.drops.items()])
    drop_ruled_out(connection, mail, contents.known)
    if contents.newest:
        put_off(connection, mail, contents.newest, contents.until)
    return True


def begin_sending(connection: Connection, mail: ClaimedCallback) -> bool:
    """Count an attempt that may arrive, before it does. False if another process has claimed the mail."""
    return connection.execute(_BEGIN, _key(mail)).rowcount == 1


def note_answer(connection: Connection, mail: ClaimedCallback) -> None:
    """The server has refused what was sent: this attempt did not arrive."""
    connection.execute(_ANSWERED, _key(mail))


def note_text_put_off(connection: Connection, mail: ClaimedCallback) -> None:
    """The server has refused the text for now."""
    connection.execute(_TEXT_PUT_OFF, _key(mail))


def note_words_refused(connection: Connection, mail: ClaimedCallback) -> None:
    """The server has refused words of agents or people: the next text has none, so that it can tell the rest."""
    connection.execute(_WORDS_REFUSED, _key(mail))


def record_sent(connection: Connection, mail: ClaimedCallback) -> None:
    """A mail server has accepted the mail: what it tells is now to be recorded."""
    connection.execute(_SENT_AGAIN, {"tenant": mail.tenant_id, "mail": mail.callback_id})


def record_given_up(connection: Connection, mail: ClaimedCallback) -> None:
    """A mail that was given up may have arrived if no answer came: then what it tells is to be recorded.

    A resent mail begins with one unanswered attempt. So what was recorded before is recorded again only if there was
    another one. If the mail was never written, for want of an address or because of a fault, no other mail to the
    person can be written either: then all needs of its lane are given up with it, and due again once it is resent.
    """
    key = {"tenant": mail.tenant_id, "mail": mail.callback_id}
    if unanswered := connection.execute(_MAY_HAVE_ARRIVED, key).scalar():
        connection.execute(_SENT_AGAIN if unanswered > 1 else _SENT, key)
    elif connection.execute(_NEVER_WRITTEN, key).first():
        connection.execute(_TAKE_ALONG, key | {"user": mail.agent_id, "lane": mail.event_type})


def packages_told(connection: Connection, mail_id: str) -> list[str]:
    """The packages that a mail tells of, or was to tell of."""
    query = select(NEEDS.c.package_id).where(
        NEEDS.c.tenant_id == read_tenant_id(connection), NEEDS.c.mail_id == mail_id, NEEDS.c.package_id != NO_PACKAGE
    )
    return list(connection.execute(query.distinct().order_by(NEEDS.c.package_id)).scalars())


class MailCounts(NamedTuple):
    """`waiting` counts needs that no mail tells yet, the others mails. All are NaN if the database is away."""

    waiting: float
    due: float
    dead: float


def count_mails(connection: Connection) -> MailCounts:
    tenant_id = read_tenant_id(connection)
    needs = select(func.count()).select_from(NEEDS).where(NEEDS.c.tenant_id == tenant_id, text("state = 'due'"))
    by_state = (
        select(CALLBACKS.c.state, func.count())
        .where(CALLBACKS.c.tenant_id == tenant_id, CALLBACKS.c.kind == PostKind.MAIL.value)
        .where(CALLBACKS.c.state.in_([CallbackState.DUE.value, CallbackState.DEAD.value]))
        .group_by(CALLBACKS.c.state)
    )
    counts = {state: count for state, count in connection.execute(by_state)}  # noqa: C416 - to mypy, rows are not pairs
    waiting = connection.execute(needs).scalar_one()
    return MailCounts(waiting, counts.get(CallbackState.DUE, 0), counts.get(CallbackState.DEAD, 0))


def _key(mail: ClaimedCallback) -> dict[str, Any]:
    return {"tenant": mail.tenant_id, "callback": mail.callback_id, "lease": mail.lease}


def _need_key(mail: ClaimedCallback, need: OpenNeed) -> dict[str, Any]:
    person = {"tenant": mail.tenant_id, "user": mail.agent_id, "mail": mail.callback_id}
    return person | {"package": need.package_id, "why": need.reason.value, "nth": need.occasion}
