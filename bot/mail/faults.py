"""What went wrong with the mail server, in words for an operator.

Never with the password or an address, whatever the server says.
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

FINAL = 500  # codes from here on are final
FAULTS = (SMTPException, OSError, EOFError, ValueError)  # all that the library raises
SLOW = "the mail server does not answer in time"
_UNPRINTABLE = re.compile(r"[^\x20-\x7e]+")
_MAX_LENGTH = 300
_NO_LOGIN = ("AUTH extension is not supported", "No suitable authentication method")  # in the words of the library
_ADDRESS = re.compile(r'"[^"]*"@[^\s<>]+|[^\s<>"]+@[^\s<>"]+')
# Enhanced status codes (RFC 3463): bad or disabled mailboxes. 5.1.7 and 5.1.8 are about the sender.
_OF_RECIPIENT = re.compile(r"5\.(?:1\.(?![78]\b)\d+|2\.1)\b")

Test = Callable[[BaseException], bool]


def describe_fault(fault: BaseException, server: SmtpServer) -> str:
    return next((text for is_it, text in _TEXTS if is_it(fault)), "") or _describe_answer(fault, server)


def answer_of(fault: SMTPResponseException, server: SmtpServer) -> str:
    """The server's own words, without what could be taken for ours."""
    return f"{fault.code} {_clean(fault.message, server)}".strip()


def is_about_recipient(refusal: SMTPResponseException) -> bool:
    """Without such a code it may be about us, and then it is about everyone's mail."""
    return refusal.code >= FINAL and _OF_RECIPIENT.match(refusal.message) is not None


def _describe_answer(fault: BaseException, server: SmtpServer) -> str:
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


def _is_certificate(fault: BaseException | None) -> bool:
    """Whether a certificate is the cause: the library raises errors of its own from it."""
    if fault is None:
        return False
    named = isinstance(fault, ssl.SSLCertVerificationError) or "CERTIFICATE_VERIFY_FAILED" in str(fault)
    return named or _is_certificate(fault.__cause__)


_TEXTS: Sequence[tuple[Test, str]] = (
    (_is_certificate, "the mail server's certificate is not trusted, or belongs to another host"),
    (lambda fault: isinstance(fault, TimeoutError), SLOW),
    # In the words of the library: what a server answers may have the same terms.
    (lambda fault: "STARTTLS extension not supported" in str(fault), "the mail server offers no STARTTLS on this port"),
    (lambda fault: any(words in str(fault) for words in _NO_LOGIN), "the mail server offers no login on this port"),
    (lambda fault: isinstance(fault, SMTPServerDisconnected), "the mail server hung up"),
)
