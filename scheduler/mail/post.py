"""Sends one mail: decides what it tells, saves the text, and gives it to the mail server.

**Sent twice at most.** The server may accept a message and its answer be lost. So the attempt is counted in the
database before the text is sent. After two attempts without an answer the mail is given up. Both send the same message.
"""

from __future__ import annotations

import random
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.headerregistry import Address
from functools import partial
from hashlib import sha256
from typing import Any

import structlog

from blocks.mail.mail import Mail
from scheduler.callbacks.retries import AttemptResult, Dead, Delivered, Dropped, Postponed, Retry, result_of_failure
from scheduler.mail.addresses import AddressError, parse_address
from scheduler.mail.checking import (
    NOTHING_TO_TELL,
    ClaimLostError,
    DirectoryStaleError,
    OverError,
    begin_if_still_so,
    recheck_mail,
)
from scheduler.mail.client import (
    TAKEN_WITHIN,
    Envelope,
    MailClient,
    MailError,
    MailRefusedError,
    NoAnswerError,
    TextPutOffError,
    TextRefusedError,
)
from scheduler.mail.drafting import Draft, LinkTo, draft_mail
from scheduler.mail.message import Heading, message_id, thread_id, write_message
from store.mail import letters
from store.mail.lanes import TOLD_WITHIN
from store.mail.letters import LetterContents
from store.outbox.deliveries import ClaimedCallback
from store.store import Store

log = structlog.get_logger()

MAX_UNANSWERED = 2
LATER = timedelta(hours=1)  # until the next mail names what this one counts
ENOUGH = timedelta(seconds=TAKEN_WITHIN + 5)  # must be left of the claim when the text is about to be sent
UNTIL_DIRECTORY_IS_READ = timedelta(seconds=30)
UNTIL_WRITTEN_AGAIN = timedelta(seconds=2)
NOT_AGAIN = "no answer came when it was sent, and it is not sent again: "
NO_ADDRESS = "the directory has no e-mail address for this person"
STALE = "the directory of people is out of date, so nobody knows who may be told"
EMPTIED = "not sent: retention has emptied its words"
GIVEN_UP = "no answer came the last two times that the text was sent: it may have arrived, and is not sent again"


def _utc_now() -> datetime:
    return datetime.now(UTC)


class MailPost:
    """`count` gets the outcome of each attempt: delivered, failed or dead. `link_to` gives the address of a card."""

    def __init__(
        self,
        store: Store,
        client: MailClient,
        sender: Address,
        *,
        link_to: LinkTo,
        count: Callable[[str], None],
        now: Callable[[], datetime] = _utc_now,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._store, self._client, self._sender, self._link_to = store, client, sender, link_to
        self.count, self._now, self._chance = count, now, chance

    async def attempt(self, mail: ClaimedCallback) -> AttemptResult:
        """Deliver one claimed mail, and say what follows: sent, dropped, postponed, tried again or given up."""
        if mail.unanswered >= MAX_UNANSWERED:
            return Dead(GIVEN_UP)
        try:
            return await (self._send_again(mail) if mail.unanswered else self._deliver(mail))
        except DirectoryStaleError:
            return Postponed(self._now() + UNTIL_DIRECTORY_IS_READ, STALE)
        except ClaimLostError:
            return self._again(mail, "its claim ran out before it was sent")
        except AddressError as fault:
            return Dead(f"the address of this person in the directory cannot be used: {fault}")

    async def _deliver(self, mail: ClaimedCallback) -> AttemptResult:
        oldest = None if mail.attempts else self._now() - TOLD_WITHIN  # what an earlier attempt told is still told
        drafting = partial(draft_mail, oldest=oldest, link_to=self._link_to)
        draft = await self._store.read(partial(drafting, **self._situation(mail)))
        if draft.mail is None:
            await self._save(mail, "", draft)
            return Dropped(_reasons(draft) or NOTHING_TO_TELL)
        if not draft.address:
            return Dead(NO_ADDRESS)
        return await self._write_and_send(mail, draft, draft.mail, draft.address)

    def _situation(self, mail: ClaimedCallback) -> dict[str, Any]:
        """Arguments of the functions that decide about a mail."""
        return {"installation": self._store.installation, "mail": mail, "now": self._store.clock()}

    async def _write_and_send(self, mail: ClaimedCallback, draft: Draft, content: Mail, address: str) -> AttemptResult:
        recipient = parse_address(address)
        body = write_message(content, self._heading(draft, recipient))
        await self._save(mail, body, draft)
        try:
            return await self._send(mail, Envelope(recipient.addr_spec, body.encode()), address)
        except OverError as change:  # nothing has left: the next attempt tells what is so then
            return Postponed(self._now() + UNTIL_WRITTEN_AGAIN, str(change))
        except TextRefusedError as refusal:
            return await self._without_words(mail, refusal) if draft.has_words else Dead(str(refusal))
        except TextPutOffError as delay:
            return await self._after_delay(mail, draft, delay)

    async def _after_delay(self, mail: ClaimedCallback, draft: Draft, delay: TextPutOffError) -> AttemptResult:
        """Once is greylisting. A server that does it again may do so for as long as the words are in the text."""
        if mail.text_put_off and draft.has_words:
            return await self._without_words(mail, delay)
        await self._store.write(partial(letters.note_text_put_off, mail=mail))
        return self._again(mail, str(delay))

    async def _without_words(self, mail: ClaimedCallback, refusal: MailError) -> AttemptResult:
        """Due at once, as an attempt of its own: a slow server may have left nothing of this claim."""
        log.warning("mail.words_refused", mail=mail.callback_id, error=str(refusal))
        await self._store.write(partial(letters.note_words_refused, mail=mail))
        return Retry(self._now(), str(refusal))

    def _heading(self, draft: Draft, recipient: Address) -> Heading:
        thread = thread_id(self._sender, draft.package_id) if draft.package_id else None
        return Heading(self._sender, recipient, message_id(self._sender, secrets.token_hex(16)), thread, self._now())

    async def _save(self, mail: ClaimedCallback, body: str, draft: Draft) -> None:
        digest = "sha256:" + sha256(body.encode()).hexdigest()
        saved = await self._store.write(
            partial(
                letters.write_letter,
                mail=mail,
                body=body,
                digest=digest,
                contents=LetterContents(draft.tells, draft.drops, draft.known, draft.newest, self._now() + LATER),
            )
        )
        if not saved:
            raise ClaimLostError(mail.callback_id)

    async def _begin(self, mail: ClaimedCallback, address: str) -> None:
        """The last step before the text: a server may have taken its time until here."""
        if mail.lease - self._now() < ENOUGH:
            raise ClaimLostError(mail.callback_id)
        begin = partial(begin_if_still_so, **self._situation(mail), address=address)
        if over := await self._store.write(begin):
            raise OverError(over)

    async def _send_again(self, mail: ClaimedCallback) -> AttemptResult:
        """The same message, which may have arrived already."""
        if mail.body is None:
            return Dead(EMPTIED)
        recheck = await self._store.read(partial(recheck_mail, **self._situation(mail)))
        if recheck.refusal:
            return Dead(NOT_AGAIN + recheck.refusal)
        if not recheck.address:
            return Dead(NO_ADDRESS)
        try:
            recipient = parse_address(recheck.address)
            return await self._send(mail, Envelope(recipient.addr_spec, mail.body.encode()), recheck.address)
        except OverError as change:
            return Dead(f"{NOT_AGAIN}{change}")
        except (TextRefusedError, TextPutOffError) as refusal:
            return self._failed(mail, refusal)

    async def _send(self, mail: ClaimedCallback, envelope: Envelope, address: str) -> AttemptResult:
        """`address`: as the directory has it."""
        try:
            await self._client.send(envelope, partial(self._begin, mail, address))
        except NoAnswerError as fault:
            is_last = mail.unanswered + 1 >= MAX_UNANSWERED
            return Dead(GIVEN_UP) if is_last else self._again(mail, str(fault))
        except MailError as fault:
            if fault.was_counted:
                await self._store.write(partial(letters.note_answer, mail=mail))
            if isinstance(fault, TextRefusedError | TextPutOffError):
                raise
            return self._failed(mail, fault)
        return Delivered()

    def _failed(self, mail: ClaimedCallback, fault: MailError) -> AttemptResult:
        return Dead(str(fault)) if isinstance(fault, MailRefusedError) else self._again(mail, str(fault))

    def _again(self, mail: ClaimedCallback, error: str) -> AttemptResult:
        return result_of_failure(error, mail.attempts, self._now(), self._chance())


def _reasons(draft: Draft) -> str:
    return "; ".join(dict.fromkeys([*draft.ruled_out, *draft.drops.values()]))
