"""A real mail server (aiosmtpd) that can be slow, refuse, cut the connection, or lose its answer after the text."""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, NamedTuple, cast

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

USER, PASSWORD = "countersign", "s3cret/with:signs@and spaces"
ACCEPTED = "250 OK"
CUT = "cut"  # closes the connection instead of an answer
GREYLISTED = "451 4.7.1 Greylisted, come back later"
NO_SUCH_USER = "550 5.1.1 No such user"


class Received(NamedTuple):
    recipient: str
    raw: bytes

    @property
    def message(self) -> EmailMessage:
        return message_from_bytes(self.raw, policy=policy.default)

    @property
    def message_id(self) -> str:
        return str(self.message["Message-ID"])

    @property
    def subject(self) -> str:
        return str(self.message["Subject"])

    def part(self, subtype: str) -> str:
        """The text or the HTML."""
        body = self.message.get_body((subtype,))
        assert body is not None
        return str(body.get_content())

    @property
    def text(self) -> str:
        return self.part("plain")


class Held:
    """An answer that waits until it is let go."""

    def __init__(self, answer: str = ACCEPTED) -> None:
        self.answer, self.begun, self.free = answer, asyncio.Event(), asyncio.Event()


class MailServer:
    """`got`: what it took, whether or not its answer arrived. Answers for the next steps are put into the queues."""

    def __init__(self) -> None:
        self.got: list[Received] = []
        self.to_recipients: deque[str | Held] = deque()
        self.to_commands: deque[str] = deque()  # to DATA, before the text
        self.to_texts: deque[str | Held] = deque()
        self.to_logins: deque[bool] = deque()
        self.connections = 0
        self._more = asyncio.Event()
        self.logins: list[LoginPassword] = []
        self.url = ""

    @property
    def recipients(self) -> list[str]:
        return [mail.recipient for mail in self.got]

    def only(self) -> Received:
        (one,) = self.got
        return one

    async def wait_for(self, count: int) -> None:
        """Until it has taken so many mails."""
        while len(self.got) < count:
            self._more.clear()
            await self._more.wait()

    def authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, login: Any
    ) -> AuthResult:
        self.logins.append(login)
        right = login.login.decode() == USER and login.password.decode() == PASSWORD
        return AuthResult(success=right, handled=False)

    async def handle_RCPT(  # noqa: N802 - named by aiosmtpd
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        answer = await _say(self.to_recipients)
        if answer == ACCEPTED:
            envelope.rcpt_tos.append(address)
        return _cut_or(answer, server)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - as above
        answer = await _say(self.to_texts)
        if answer in (ACCEPTED, CUT):
            content = envelope.content
            assert isinstance(content, bytes)
            self.got += [Received(recipient, content) for recipient in envelope.rcpt_tos]
            self._more.set()
        return _cut_or(answer, server)


class _Connection(SMTP):
    """Can refuse the text, or cut the connection, before it has seen any of it."""

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802 - named by aiosmtpd
        answers = self.event_handler.to_commands
        answer = answers.popleft() if answers else ACCEPTED
        if answer == CUT:
            _abort(self)
        elif answer == ACCEPTED:
            await super().smtp_DATA(arg)
        else:
            await self.push(answer)


async def _say(answers: deque[str | Held]) -> str:
    """The next answer, once it is let go."""
    answer = answers.popleft() if answers else ACCEPTED
    if isinstance(answer, Held):
        answer.begun.set()
        await answer.free.wait()
        return answer.answer
    return answer


def _cut_or(answer: str, server: SMTP) -> str:
    if answer == CUT:
        _abort(server)
    return ACCEPTED if answer == CUT else answer


def _abort(connection: SMTP) -> None:
    if isinstance(connection.transport, asyncio.Transport):
        connection.transport.abort()


@asynccontextmanager
async def open_mail_server(
    tls: ssl.SSLContext | None = None,
    *,
    implicit: bool = False,
    login: bool = False,
    utf8: bool = True,
    mechanisms: bool = True,
) -> AsyncIterator[MailServer]:
    """In plain text, with STARTTLS, or with TLS from the start (`implicit`). `mechanisms`: it offers logins."""
    mail_server = MailServer()
    connections: list[SMTP] = []

    def connect() -> SMTP:
        mail_server.connections += 1
        connection = _Connection(
            mail_server,
            hostname="mail.test",
            enable_SMTPUTF8=utf8,
            tls_context=None if implicit else tls,
            require_starttls=tls is not None and not implicit,
            auth_required=login,
            auth_exclude_mechanism=() if mechanisms else ("LOGIN", "PLAIN"),
            auth_require_tls=tls is not None and not implicit,
            authenticator=cast("Callable[..., AuthResult]", mail_server.authenticate) if login else None,
            loop=asyncio.get_running_loop(),
        )
        connections.append(connection)
        return connection

    server = await asyncio.get_running_loop().create_server(connect, "127.0.0.1", 0, ssl=tls if implicit else None)
    port = server.sockets[0].getsockname()[1]
    mail_server.url = f"smtp://127.0.0.1:{port}"
    try:
        yield mail_server
    finally:
        server.close()
        for connection in connections:
            _abort(connection)
        await asyncio.sleep(0)  # the loop closes what was aborted
