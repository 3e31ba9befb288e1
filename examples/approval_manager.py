"""An approval manager: request an approval, wait for it, and act on the answer: approved, modified or rejected.

What a reviewer edits on the card is what is sent. `executing()` claims the approval, so it is used once.
"""

from __future__ import annotations

import asyncio
from dataclasses import asdict, dataclass
from enum import Enum
from typing import Any, Literal

from countersign import Approved, AsyncClient, AsyncHandle, Expired, Outcome


class ApprovalStatus(Enum):
    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    MODIFIED = "modified"
    EXPIRED = "expired"  # nobody decided in time, and nobody said no


@dataclass(frozen=True)
class ApprovalGate:
    approval_id: str
    status: ApprovalStatus = ApprovalStatus.PENDING
    human_response: str | None = None


class ApprovalManager:
    def __init__(self, client: AsyncClient) -> None:
        self.client = client
        self.pending_approvals: dict[str, dict[str, Any]] = {}  # what was asked for, by id

    async def request_approval(
        self, action: str, description: str, risk_level: Literal["low", "medium", "high"], context: dict[str, Any]
    ) -> ApprovalGate:
        handle = await self.client.request(
            title=description,
            action_type=action,
            action_parameters=context,
            proposed_action=description,
            rationale="The customer wrote to us.",
            risk_level=risk_level,
            confidence=0.9,
            consequence="The customer reads it; it cannot be called back.",
        )
        self.pending_approvals[handle.decision_package_id] = context
        return ApprovalGate(handle.decision_package_id)

    async def wait_for_approval(self, approval_id: str) -> tuple[ApprovalGate, AsyncHandle]:
        """The decision, and the handle with which to act on it."""
        handle = await self.client.handle(approval_id)
        outcome = await handle.settle()
        status = status_of(outcome, self.pending_approvals.pop(approval_id))
        return ApprovalGate(approval_id, status, outcome.comment), handle


def status_of(outcome: Outcome, context: dict[str, Any]) -> ApprovalStatus:
    match outcome:
        case Approved(parameters=parameters):
            return ApprovalStatus.APPROVED if parameters == context else ApprovalStatus.MODIFIED
        case Expired():
            return ApprovalStatus.EXPIRED
        case _:
            return ApprovalStatus.REJECTED


@dataclass(frozen=True)
class Email:
    to: str
    subject: str
    body: str


class EmailAgentWithApproval:
    def __init__(self, approval_manager: ApprovalManager) -> None:
        self.approval_manager = approval_manager

    async def draft_email(self, to: str) -> Email:
        """Where a model would write it."""
        return Email(to, "Your parcel", "Your parcel comes today.")

    async def send_email(self, email: Email) -> None:
        """Where it would be sent."""

    async def process(self, to: str) -> str:
        email = await self.draft_email(to)
        gate = await self.approval_manager.request_approval(
            action="send_customer_email",
            description=f"To: {email.to}, Subject: {email.subject}",
            risk_level="medium",
            context=asdict(email),
        )
        approval, handle = await self.approval_manager.wait_for_approval(gate.approval_id)
        if approval.status in (ApprovalStatus.APPROVED, ApprovalStatus.MODIFIED):
            async with handle.executing() as approved:  # with the reviewer's edits, if there are any
                await self.send_email(Email(**approved))
            return f"Email sent ({approval.status.value}): {approved['body']}"
        return f"Email not sent ({approval.status.value}): {approval.human_response}"


async def main() -> None:
    async with AsyncClient() as client:
        print(await EmailAgentWithApproval(ApprovalManager(client)).process("ada@example.com"))


if __name__ == "__main__":
    asyncio.run(main())
