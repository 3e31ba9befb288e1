"""An e-mail agent that asks before it sends: approved, edited, rejected, or nobody there in time. Each is logged.

What a reviewer edits on the card is what is sent. What they ask to have changed, the agent drafts anew.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from countersign import ExpiredError, NotPermittedError, RejectedError, Revise, StillPendingError, gate
from countersign.confidence import parse_confidence

log = logging.getLogger("email_agent")
OUTBOX: list[tuple[str, str, str]] = []

# What a model would answer to countersign.confidence.confidence_prompt(task, planned_action).
ASSESSMENT = parse_confidence("""\
CONFIDENCE_SCORE: 0.86
RATIONALE: The request is clear, and the customer's address is verified.
UNCERTAINTIES: whether the customer prefers a call
RECOMMENDATION: PROCEED
""")


@dataclass(frozen=True)
class SendEmailRequest:
    to: str
    about: str


@dataclass(frozen=True)
class Email:
    to: str
    subject: str
    body: str


def redraft(wanted: Revise, email: Mapping[str, Any]) -> dict[str, Any]:
    """Where a model would write it anew."""
    body = f"{email['body']}\n\nP.S. {wanted.instructions}"
    return {"action_parameters": {"email": {**email, "body": body}}}


@gate(
    "send_customer_email",
    title=lambda email: f"E-mail to {email['to']}: {email['subject']}",
    rationale=ASSESSMENT.rationale,
    risk_level="medium",
    confidence=ASSESSMENT.score,
    known_uncertainties=ASSESSMENT.uncertainties,
    reversibility="irreversible_low",
    evidence_refs=["ticket 77"],
    side_effect_preview=lambda email: {"e-mails sent": 1, "to": email["to"]},
    consequence="The customer reads it; it cannot be called back.",
    revise=redraft,
    timeout=float(sys.argv[1]) if sys.argv[1:] else None,
)
async def send_email(email: Email) -> str:
    """Send an e-mail to a customer."""
    OUTBOX.append((email.to, email.subject, email.body))
    return f"Email sent to {email.to}: {email.body!r}"


class EmailAgent:
    async def draft_email(self, request: SendEmailRequest) -> Email:
        """Where a model would write it."""
        return Email(request.to, f"About {request.about}", f"Dear customer, we have looked into {request.about}.")

    async def process(self, request: SendEmailRequest) -> str:
        email = await self.draft_email(request)
        try:
            return await send_email(email)
        except RejectedError as rejection:
            log.warning("rejected: %s", rejection)
            return f"Email rejected: {rejection.outcome.comment}"
        except (StillPendingError, ExpiredError) as late:
            log.warning("nobody decided: %s", late)
            return "Nobody decided in time; nothing was sent, and nobody said no"
        except NotPermittedError as other:
            log.warning("not permitted: %s", other)
            return "Email not sent"


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    print(asyncio.run(EmailAgent().process(SendEmailRequest("ada@example.com", "your order 456"))))
