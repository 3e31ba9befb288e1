"""Checks the mail server: connects and logs in, and sends a test mail if asked to.

`mail_finding` is part of every `countersign doctor`; `send_test_mail` needs `--send-test`. `_FIXES` says what the
operator can do, by a word of the error.
"""

from __future__ import annotations

import asyncio
import secrets
from datetime import UTC, datetime
from email.headerregistry import Address

from blocks.mail.mail import Mail
from bot.cli.doctor.findings import Finding
from bot.mail.client import SmtpClient
from bot.mail.server import SmtpServer
from bot.settings import Settings
from scheduler.mail.addresses import AddressError, parse_address
from scheduler.mail.client import Envelope, MailError
from scheduler.mail.message import Heading, message_id, write_message

OFF = "set COUNTERSIGN_SMTP_URL and COUNTERSIGN_EMAIL_FROM to reach people when Slack is away"
_HTML = "<!doctype html><html lang='en'><head><title>Test</title></head><body><p>{text}</p></body></html>"
_TEXT = "Countersign can send mail. Nothing waits for you."
_FIXES = {
    "certificate": "name the host in COUNTERSIGN_SMTP_URL as in the certificate; for your own authority, add ?ca=FILE",
    "STARTTLS": "use a port that offers STARTTLS, usually 587, or smtps:// with port 465",
    "no login": "use the port for sending mail, 587 or 465, or leave out the user and the password",
    "password": "correct the user and the password in COUNTERSIGN_SMTP_URL; write @ as %40, / as %2F and : as %3A",
    "address": "check the address, and that this server may send to it",
}
_FIX = "check the host and the port in COUNTERSIGN_SMTP_URL, and that this machine can reach it"


def mail_finding(settings: Settings) -> Finding:
    if settings.mail is None:
        return Finding("e-mail", unseen=f"it is off; {OFF}")
    server, sender = settings.mail
    return _finding(f"e-mail by {server} as {sender.addr_spec}", asyncio.run(_check(server, sender)))


def send_test_mail(settings: Settings, address: str) -> Finding:
    subject = f"test mail to {address}"
    if settings.mail is None:
        return Finding(subject, "e-mail is off", OFF)
    try:
        recipient = parse_address(address)
    except AddressError as fault:
        return Finding(subject, str(fault), "name one address, such as you@example.com")
    return _finding(subject, asyncio.run(_send(*settings.mail, recipient)))


def _finding(subject: str, fault: str | None) -> Finding:
    fix = next((fix for word, fix in _FIXES.items() if fault and word in fault), _FIX)
    return Finding(subject, fault, fix) if fault else Finding(subject)


async def _check(server: SmtpServer, sender: Address) -> str | None:
    client = SmtpClient(server, sender)
    try:
        await client.check()
    except MailError as fault:
        return str(fault)
    finally:
        await client.close()
    return None


async def _send(server: SmtpServer, sender: Address, recipient: Address) -> str | None:
    client = SmtpClient(server, sender)
    heading = Heading(sender, recipient, message_id(sender, secrets.token_hex(16)), None, datetime.now(UTC))
    message = write_message(Mail("Countersign can send mail", f"{_TEXT}\n", _HTML.format(text=_TEXT)), heading)
    try:
        await client.send(Envelope(recipient.addr_spec, message.encode()), _record_nothing)
    except MailError as fault:
        return str(fault)
    finally:
        await client.close()
    return None


async def _record_nothing() -> None:
    """A mail of the service is recorded before its text is sent. A test mail is not: nobody sends it again."""
