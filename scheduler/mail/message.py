"""The message that is sent: headers, plain text and HTML.

Nothing of a package is in the headers but the subject, which the policy decides about. `EmailMessage` would decode the
encoded words of RFC 2047 in it, and with them line breaks. So the subject is encoded here, and no parser sees it.
"""

from __future__ import annotations

from datetime import datetime
from email import policy
from email.header import Header
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from typing import NamedTuple

from blocks.mail.mail import Mail
from scheduler.mail.addresses import needs_utf8


class Heading(NamedTuple):
    """`thread`: an id that all mails to this person about one package refer to."""

    sender: Address
    recipient: Address
    message_id: str
    thread: str | None
    at: datetime


def write_message(mail: Mail, heading: Heading) -> str:
    """The whole message. It is saved like this before it is sent."""
    utf8 = needs_utf8(heading.sender, heading.recipient)
    # "none": what is encoded here is not decoded again to be wrapped.
    message = EmailMessage((policy.SMTPUTF8 if utf8 else policy.SMTP).clone(refold_source="none"))
    message["From"] = heading.sender
    message["To"] = heading.recipient
    message.set_raw("Subject", _encode(" ".join(mail.subject.split())))
    message["Date"] = format_datetime(heading.at)
    message["Message-ID"] = heading.message_id
    if heading.thread:
        message["References"] = heading.thread
    message["Auto-Submitted"] = "auto-generated"  # so that nobody's out-of-office answers
    message["X-Auto-Response-Suppress"] = "All"  # the same for Exchange
    message.set_content(mail.text)
    message.add_alternative(mail.html, subtype="html")
    return message.as_bytes().decode()


def _encode(subject: str) -> str:
    """As it is only if it has nothing that a mail program decodes."""
    as_it_is = subject.isascii() and subject.isprintable() and "=?" not in subject
    return Header(subject, "us-ascii" if as_it_is else "utf-8", header_name="Subject").encode(linesep="\r\n")


def message_id(sender: Address, secret: str) -> str:
    """Nobody can guess it, so the digest of the message tells nothing about its text."""
    return f"<{secret}@{sender.domain}>"


def thread_id(sender: Address, package_id: str) -> str:
    """The first message of a thread, which was never sent: clients put mails that refer to it together."""
    return f"<{package_id}.countersign@{sender.domain}>"
