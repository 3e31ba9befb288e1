"""The client of the mail server: a few connections, kept for the next mail, with a time limit on every step.

Two answers are final: that the address does not exist, and that the text is refused (5xx). All other failures may end,
also a refused password, sender or relay and a certificate that is not trusted. If the connection is lost after the text
was sent, nobody knows whether the mail arrived.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from email.headerregistry import Address
from typing import NamedTuple

from aiosmtplib import SMTP, SMTPResponseException

from bot.mail.faults import FAULTS, FINAL, answer_of, describe_fault, is_about_recipient
from bot.mail.server import SmtpServer, tls_context
from scheduler.callbacks.concurrency import MAILS
from scheduler.mail.client import (
    TAKEN_WITHIN,
    Envelope,
    MailError,
    MailRefusedError,
    NoAnswerError,
    TextPutOffError,
    TextRefusedError,
)

STEP_WITHIN = 10.0  # seconds for each command
ADDRESSED_WITHIN = 25.0  # seconds for all before the text; with `TAKEN_WITHIN` less than the claim on a mail lasts
KEPT_FOR = 20.0  # seconds without a mail after which a connection is not used again


class _Kept(NamedTuple):
    connection: SMTP
    since: float


class SmtpClient:
    """Implements `scheduler.mail.client.MailClient`.

    `sender`: the address in `MAIL FROM`, whose domain is also the name of this client.
    """

    def __init__(self, server: SmtpServer, sender: Address) -> None:
        self._server, self._sender = server, sender
        self._tls = tls_context(server)
        self._kept: list[_Kept] = []
        self._slots = asyncio.Semaphore(MAILS)

    async def send(self, envelope: Envelope, before_text: Callable[[], Awaitable[None]]) -> None:
        async with self._slots, self._connection() as (connection, limit):
            await self._send_addresses(connection, envelope)
            limit.reschedule(None)  # from here on the text has a limit of its own
            await before_text()
            await self._send_text(connection, envelope.message)

    async def check(self) -> None:
        """Connect and log in, without sending anything."""
        async with self._connection():
            pass

    async def close(self) -> None:
        while self._kept:
            await _quit(self._kept.pop().connection)

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[tuple[SMTP, asyncio.Timeout]]:
        """Yield a connection that is ready for a mail, and its time limit. Keep it unless its state is unclear."""
        with self._explained():
            async with asyncio.timeout(ADDRESSED_WITHIN) as limit:
                connection = await self._take_kept() or await self._connect()
                try:
                    yield connection, limit
                except MailRefusedError:
                    self._reuse(connection)
                    raise
                except BaseException:
                    connection.close()
                    raise
                self._reuse(connection)

    async def _take_kept(self) -> SMTP | None:
        """A kept connection that still answers, if there is one."""
        while self._kept:
            kept = self._kept.pop()
            if time.monotonic() - kept.since < KEPT_FOR and await _answers(kept.connection):
                return kept.connection
            kept.connection.close()
        return None

    def _reuse(self, connection: SMTP) -> None:
        if connection.is_connected:
            self._kept.append(_Kept(connection, time.monotonic()))

    async def _connect(self) -> SMTP:
        server = self._server
        connection = SMTP(
            hostname=server.host,
            port=server.port,
            use_tls=server.implicit_tls,
            start_tls=server.starts_tls,
            tls_context=self._tls,
            timeout=STEP_WITHIN,
            local_hostname=self._sender.domain,
        )
        try:
            await connection.connect()
            await connection.ehlo()  # says what the server can do; after STARTTLS it must be asked again
            if server.user is not None and server.password is not None:
                await connection.login(server.user, server.password)
        except BaseException:
            connection.close()
            raise
        return connection

    async def _send_addresses(self, connection: SMTP, envelope: Envelope) -> None:
        """`MAIL FROM` and `RCPT TO`. Only an answer about the recipient can be final."""
        sender, recipient = self._sender.addr_spec, envelope.recipient
        utf8 = not (sender.isascii() and recipient.isascii())
        if utf8 and not connection.supports_extension("smtputf8"):
            raise MailRefusedError("the mail server does not take addresses in other alphabets (no SMTPUTF8)")
        encoding, options = ("utf-8", ["SMTPUTF8", "BODY=8BITMIME"]) if utf8 else ("ascii", [])
        await connection.mail(sender, options=options, encoding=encoding)
        try:
            await connection.rcpt(recipient, encoding=encoding)
        except SMTPResponseException as refusal:
            if is_about_recipient(refusal):
                raise MailRefusedError(
                    f"the mail server refuses this address: {answer_of(refusal, self._server)}"
                ) from refusal
            raise

    async def _send_text(self, connection: SMTP, message: bytes) -> None:
        with _writes_of(connection) as writes:
            try:
                async with asyncio.timeout(TAKEN_WITHIN):
                    await connection.data(message, timeout=TAKEN_WITHIN)
            except FAULTS as fault:
                # The command DATA is a write of its own, and the server must agree before the text follows.
                raise self._failure(fault, text_has_left=len(writes) > 1) from fault

    def _failure(self, fault: Exception, *, text_has_left: bool) -> MailError:
        if not text_has_left:
            is_final = isinstance(fault, SMTPResponseException) and is_about_recipient(fault)
            kind = MailRefusedError if is_final else MailError
            return kind(describe_fault(fault, self._server), was_counted=True)
        if not isinstance(fault, SMTPResponseException):
            return NoAnswerError("the connection was lost after the text was sent: it may have arrived")
        kind = TextRefusedError if fault.code >= FINAL else TextPutOffError
        return kind(f"the mail server refuses the text: {answer_of(fault, self._server)}", was_counted=True)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn every fault of the client into a `MailError` that says what happened."""
        try:
            yield
        except MailError:
            raise
        except FAULTS as fault:
            raise MailError(describe_fault(fault, self._server)) from fault


@contextmanager
def _writes_of(connection: SMTP) -> Iterator[list[int]]:
    """Yield the sizes of what the connection writes. The library does not say how far it got with the text."""
    protocol, writes = connection.protocol, list[int]()
    if protocol is None:
        yield writes
        return
    write = protocol.write

    def note(data: bytes) -> None:
        writes.append(len(data))
        write(data)

    protocol.write = note  # type: ignore[method-assign]
    try:
        yield writes
    finally:
        del protocol.write


async def _answers(connection: SMTP) -> bool:
    """RSET also discards what was left of the mail before."""
    try:
        await connection.rset()
    except FAULTS:
        return False
    return True


async def _quit(connection: SMTP) -> None:
    try:
        await connection.quit(timeout=1)
    except FAULTS:
        connection.close()
