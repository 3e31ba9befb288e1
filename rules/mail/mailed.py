"""What the record keeps of a mail: who was told, why, and the digest of what they were sent."""

from __future__ import annotations

from rules.mail.reasons import MailReason
from rules.values import Value


class Mailed(Value):
    """A mail that a mail server has accepted. `digest` is that of the whole message, whose id nobody can guess.

    `confirmed` is false if the text was sent, no answer came, and the mail was given up: it may have arrived.
    `revision` is that of the event that records it.
    """

    mail_id: str
    user_id: str
    reason: MailReason
    digest: str
    confirmed: bool = True
    revision: int = 0
