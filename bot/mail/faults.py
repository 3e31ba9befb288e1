"""Describes what went wrong with the mail server, for an operator.

No description contains the password or an address, even if the server repeats them.
"""

from __future__ import annotations

import base64
import re
import ssl
from collections.abc import Callable, Sequence

from aiosmtplib import (
    SMTPAuthenticationError,
    SMTPException,
    SMTPResponseException,
    SMTPServerDisconnected,
)

from bot.mail.server import SmtpServer

FINAL = 500  # answers with this code or a higher one are final
FAULTS = (SMTPException, OSError, EOFError, ValueError)  # all that the library raises
SLOW = "the mail server does not answer in time"
_UNPRINTABLE = re.compile(r"[^\x20-\x7e]+")
_MAX_LENGTH = 300
_NO_LOGIN = ("AUTH extension is not supported", "No suitable authentication method")  # in the words of the library
_ADDRESS = re.compile(r'"[^"]*"@[^\s<>]+|[^\s<>"]+@[^\s<>"]+')
# Enhanced status codes (RFC 3463) of bad or disabled mailboxes. 5.1.7 and 5.1.8 are about the sender.
_BAD_RECIPIENT = re.compile(r"5\.(?:1\.(?![78]\b)\d+|2\.1)\b")

_Condition = Callable[[BaseException], bool]


def describe_fault(fault: BaseException, server: SmtpServer) -> str:
    return next((text for applies, text in _TEXTS if applies(fault)), "") or _describe_other_fault(fault, server)


def answer_of(fault: SMTPResponseException, server: SmtpServer) -> str:
    """The code and the server's own words, without the password and addresses."""
    return f"{fault.code} {_clean(fault.message, server)}".strip()


def is_about_recipient(refusal: SMTPResponseException) -> bool:
    """Whether the server says that this mailbox is bad. Any other refusal may concern the mail to everyone."""
    return refusal.code >= FINAL and _BAD_RECIPIENT.match(refusal.message) is not None


def _describe_other_fault(fault: BaseException, server: SmtpServer) -> str:
    if isinstance(fault, SMTPAuthenticationError):
        return f"the mail server refuses the user or the password: {answer_of(fault, server)}"
    if isinstance(fault, SMTPResponseException):
        return f"the mail server answered {answer_of(fault, server)}"
    if isinstance(fault, SMTPException):
        return f"no mail can be sent: {_clean(fault.message, server)}"
    return f"no connection to the mail server ({type(fault).__name__})"


def _clean(text: str, server: SmtpServer) -> str:
    """A server may repeat what it was sent."""
    for secret in _spellings(server):
        text = text.replace(secret, "***")
    return _UNPRINTABLE.sub(" ", _ADDRESS.sub("***", text))[:_MAX_LENGTH].strip()


def _spellings(server: SmtpServer) -> list[str]:
    """The password as it is, and as it is sent."""
    if not server.password:
        return []
    sent = (f"\0{server.user}\0{server.password}", server.password)
    return [*(base64.b64encode(text.encode()).decode() for text in sent), server.password]


def _is_about_certificate(fault: BaseException | None) -> bool:
    """Whether a certificate is the cause: the library raises errors of its own from it."""
    if fault is None:
        return False
    is_cause = isinstance(fault, ssl.SSLCertVerificationError) or "CERTIFICATE_VERIFY_FAILED" in str(fault)
    return is_cause or _is_about_certificate(fault.__cause__)


_TEXTS: Sequence[tuple[_Condition, str]] = (
    (_is_about_certificate, "the mail server's certificate is not trusted, or belongs to another host"),
    (lambda fault: isinstance(fault, TimeoutError), SLOW),
    # Whole sentences of the library, because a server's answer may contain the word STARTTLS too.
    (lambda fault: "STARTTLS extension not supported" in str(fault), "the mail server offers no STARTTLS on this port"),
    (lambda fault: any(words in str(fault) for words in _NO_LOGIN), "the mail server offers no login on this port"),
    (lambda fault: isinstance(fault, SMTPServerDisconnected), "the mail server hung up"),
)
