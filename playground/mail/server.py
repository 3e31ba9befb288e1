"""A real mail server on loopback, which keeps mails for the workspace's people and refuses all others.

`mail_server` runs it and gives its address, such as smtp://127.0.0.1:2525.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiosmtpd.smtp import SMTP, Envelope, Session

from playground.mail.mailbox import Mailbox
from playground.model.workspace import Workspace

LOOPBACK = "127.0.0.1"


class _Receiver:
    """The hooks of aiosmtpd, which returns their replies to the sender."""

    def __init__(self, mailbox: Mailbox, workspace: Workspace) -> None:
        self._mailbox, self._workspace = mailbox, workspace

    async def handle_RCPT(  # noqa: N802 - the name of the hook
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        people = self._workspace.people.values()
        if address.casefold() not in {known.casefold() for person in people for known in person.addresses}:
            return "550 5.1.1 Nobody here has this address"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        content = envelope.content
        assert isinstance(content, bytes)  # noqa: S101 - aiosmtpd decodes only if asked
        self._mailbox.deliver(content, envelope.rcpt_tos)
        return "250 OK"


@asynccontextmanager
async def mail_server(mailbox: Mailbox, workspace: Workspace) -> AsyncIterator[str]:
    """Connections that are still open at the end are not waited for: senders keep them for their next mail."""
    loop, receiver = asyncio.get_running_loop(), _Receiver(mailbox, workspace)
    # Without a name, aiosmtpd would ask the resolver for one.
    server = await loop.create_server(
        lambda: SMTP(receiver, hostname="playground", enable_SMTPUTF8=True, loop=loop), LOOPBACK
    )
    url = mailbox.url = f"smtp://{LOOPBACK}:{server.sockets[0].getsockname()[1]}"
    try:
        yield url
    finally:
        mailbox.url = None
        server.close()
