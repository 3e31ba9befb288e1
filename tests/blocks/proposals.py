"""Proposals of the sample agent: one of each kind, and a takeover."""

from __future__ import annotations

from typing import Any

from tests.rules.world import ROSE

NOTICE: dict[str, Any] = {
    "title": "Send the enforcement notice to ACME Ltd",
    "action_type": "mail.send",
    "action_parameters": {
        "to": "legal@acme.example",
        "template": "notice-456",
        "attachments": ["notice-456.pdf"],
        "register": True,
    },
    "proposed_action": "Send notice draft 456 to ACME Ltd under policy P-2026-04.",
    "rationale": "ACME missed the filing date twice. The second reminder went unanswered for 30 days.",
    "risk_level": "high",
    "confidence": 0.82,
    "subject_type": "case",
    "subject_id": "ACME-17",
    "evidence_refs": [
        {
            "id": "doc_1",
            "title": "Second reminder, unanswered",
            "url": "https://files.example.org/cases/17/reminder-2.pdf",
            "excerpt": "Please file within 30 days of this letter.",
        },
        {"id": "doc_7", "title": "Register of filings, November"},
    ],
    "known_uncertainties": ["The inspection record for May is missing."],
    "alternatives": ["Send a third reminder."],
    "policy_basis": ["P-2026-04 §3: notice after two missed dates"],
    "side_effect_preview": {"letters_sent": 1, "case_status": "NOTIFIED"},
    "consequence": "A legal notice goes out, and the case moves to NOTIFIED.",
    "downstream_impact": "ACME has 14 days to appeal.",
    "rollback_plan": "Send a letter of withdrawal within a day.",
    "dissent": [{"by": "risk agent", "position": "wait", "reason": "The May record may excuse the first date."}],
    "cost": {"amount": 12.5, "currency": "EUR"},
    "data_classes": ["external"],
    "requested_by": ROSE,
}
REFUND: dict[str, Any] = {
    "title": "Change the delivery address of order 42",
    "action_type": "record.update",
    "action_parameters": {"order": 42, "address": "12 Mill Lane, Leeds"},
    "proposed_action": "Change the delivery address of order 42 to 12 Mill Lane, Leeds.",
    "rationale": "The customer wrote that they moved.",
    "risk_level": "medium",
    "consequence": "The parcel goes to the new address.",
}
KINDS: dict[str, dict[str, Any]] = {
    "action": NOTICE,
    "output": {
        "kind": "output",
        "title": "Publish the answer to the customer's complaint",
        "action_type": "mail.send",
        "action_parameters": None,
        "proposed_action": "Dear Ms Lane, the parcel was lost. We send a new one today, at our cost.",
    },
    "plan": {
        "kind": "plan",
        "title": "Move the archive in three steps",
        "action_type": "record.update",
        "action_parameters": {"steps": ["Copy the archive", "Compare the sums", "Switch the readers over"]},
        "proposed_action": "Copy, compare, then switch over; stop at the first difference.",
    },
    "question": {
        "kind": "question",
        "title": "Which of two ACMEs is meant",
        "action_type": "record.read",
        "action_parameters": None,
        "proposed_action": "Two companies are called ACME Ltd. Is the one in Leeds or the one in York meant?",
        "consequence": "",
    },
    "memory": {
        "kind": "memory",
        "title": "Remember that ACME wants letters on paper",
        "action_type": "record.update",
        "action_parameters": {
            "proposed_memory": "ACME Ltd wants every letter on paper, never by e-mail.",
            "source_refs": ["call of 2026-11-03", "doc_9"],
            "sensitivity": "internal",
            "retention": "2 years",
        },
        "proposed_action": "Keep this for the next cases about ACME.",
    },
    "policy_exception": {
        "kind": "policy_exception",
        "title": "Send the notice after office hours",
        "action_type": "mail.send",
        "action_parameters": {
            "policy_id": "P-2026-09",
            "requested_exception": "Send notice 456 at 20:00 instead of before 17:00.",
            "justification": "The register closes at midnight.",
            "expires_at": "2026-11-21T00:00:00Z",
        },
        "proposed_action": "Send the notice outside the hours of policy P-2026-09.",
    },
    "tool_call": {
        "kind": "tool_call",
        "title": "Freeze account 7731",
        "action_type": "payment.send",
        "action_parameters": {"tool": "accounts.freeze", "arguments": {"account": "7731", "until": "2026-12-01"}},
        "proposed_action": "Freeze account 7731 until 1 December.",
    },
}
TAKEOVER: dict[str, Any] = NOTICE | {
    "recommendation": "escalate",
    "takeover": {
        "summary": "The notice is drafted; two addresses are on file.",
        "stopping_reason": "The register and the contract name different addresses.",
        "work_completed": ["Drafted notice 456"],
        "current_state": {"draft": "notice-456", "sent": False},
        "next_steps": ["Ask ACME which address is theirs"],
    },
}
CRITICAL: dict[str, Any] = NOTICE | {"risk_level": "critical"}
READ: dict[str, Any] = {"title": "Read the file of order 42", "proposed_action": "Read it.", "confidence": 0.99}
