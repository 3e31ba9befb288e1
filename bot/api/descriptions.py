"""Texts for `/openapi.json` and `/docs`: what each request field means, and examples."""

from __future__ import annotations

from typing import Any

ABOUT = """Countersign is the human control point of AI agents: an agent proposes, the policy decides whether someone
has to approve it, and who, people decide in Slack, and the agent resumes on a durable answer.

An agent's key can create, read, revise, withdraw, claim and report its **own** packages. No route lets it decide.

Errors are `application/problem+json` (RFC 9457) with a stable `type`. Answers may gain fields: ignore what you do
not know.

1. Post a decision package. `201`: settled at once by policy. `202`: it waits for a person.
2. Wait with `GET /v1/packages/{id}?wait=25`, again and again, with the last `ETag` as `If-None-Match`.
3. If `may_proceed` is true, claim the execution with the `action_digest` of what you are about to run.
4. Act on `decision.action_parameters`, then report the outcome.
5. If the status is `revision_requested` or `evidence_requested`, read `decision.instructions` and send a new version.
6. In every other case: do not act.

This page for machines: [/openapi.json](/openapi.json)."""

PACKAGE: dict[str, str] = {
    "kind": "What it is. An `action` or a `tool_call` releases one exact call; a `question` always waits for a person.",
    "title": "The first line of the card.",
    "action_type": "The policy's name for what is done. One that the policy does not list counts as irreversible_high.",
    "action_parameters": "The exact arguments. Required for `action`, `tool_call`, `memory` and `policy_exception`.",
    "proposed_action": "What is to be done, in a sentence.",
    "rationale": "Why.",
    "risk_level": "As the agent sees it: it can raise the scrutiny, never lower it below the policy's.",
    "confidence": "How sure the agent is, from 0 to 1.",
    "subject_type": "What kind of thing it is done to.",
    "subject_id": "Which one. Type and id are part of what is approved.",
    "subject_url": "Where a reviewer can look at it.",
    "evidence_refs": "What a reviewer can check: `{id, title, url, excerpt}`, or just a text.",
    "known_uncertainties": "What the agent does not know.",
    "alternatives": "What else could be done.",
    "policy_basis": "Which rules of yours it rests on.",
    "dissent": "Who or what disagrees, and why.",
    "material_change": "What is different since a person rejected this very action. Declaring it makes the level hard.",
    "side_effect_preview": "What will be different afterwards.",
    "consequence": "What it means for those concerned.",
    "downstream_impact": "What follows from it elsewhere.",
    "rollback_plan": "How it can be undone.",
    "reversibility": "As the agent sees it; the stricter of this and the policy's holds.",
    "cost": "What it costs.",
    "data_classes": "What data it touches, such as `financial`, `pii`, `regulated`, `external`.",
    "recommendation": "`clarify` makes the level hard, `escalate` asks for a person to take over.",
    "requested_by": "The human behind the request: a Slack user id or e-mail address of a member, or the name or id of"
    " a registered agent, whose owner then stands as the requester. Without it, the agent's owner. They can stop it,"
    " not approve it. Anyone else is refused, unless the policy lists the domain of their address in `outsiders`.",
    "on_behalf_of": "The rest of the delegation chain, each named like `requested_by`. None of them can approve it.",
    "run_id": "Echoed back.",
    "thread_id": "Packages of one thread belong together: while a person has taken one over, the others are refused.",
    "checkpoint_id": "Echoed back: where the run goes on.",
    "interrupt_type": "Why the run pauses.",
    "allowed_decisions": "What the agent can act on. It cannot remove reject, escalate or take_over.",
    "expires_at": "After this nothing is granted any more. It can only shorten the policy's times.",
    "callback_url": "Where the status document is sent when it changes, instead of the agent's own address.",
    "idempotency_key": "The same as the `Idempotency-Key` header, for who cannot set one.",
    "metadata": "Echoed back untouched.",
    "takeover": "What a person needs to go on where the agent stops.",
    "expected_package_version": "The version that this one answers.",
}

MODELS: dict[str, dict[str, str]] = {
    "DecisionPackage": PACKAGE,
    "NewVersionRequest": PACKAGE,
    "Evidence": {
        "id": "What you call it.",
        "title": "What it is, in a line.",
        "url": "Where a reviewer finds it.",
        "excerpt": "The part that matters.",
    },
    "Dissent": {"by": "Who or what disagrees.", "position": "With what.", "reason": "Why."},
    "Cost": {"amount": "In units of the currency.", "currency": "ISO 4217, such as EUR."},
    "TakeoverPackage": {
        "summary": "What this is about.",
        "stopping_reason": "Why the agent stops.",
        "work_completed": "What is done already.",
        "current_state": "How things stand, as an object or a text.",
        "next_steps": "What comes next.",
    },
    "MemoryParameters": {
        "proposed_memory": "What is to be remembered.",
        "source_refs": "Where it comes from.",
        "sensitivity": "How sensitive it is.",
        "retention": "How long it is kept.",
    },
    "ExceptionParameters": {
        "policy_id": "From which policy.",
        "requested_exception": "What is to be allowed.",
        "justification": "Why.",
        "expires_at": "Until when.",
    },
    "CancelRequest": {"reason": "Why it is withdrawn; people read it."},
    "ClaimRequest": {
        "state": "`claimed`: the permission is taken.",
        "claim_id": "Your own name for this attempt. The same again is the same claim: a lost reply costs nothing.",
        "action_digest": "Of what is about to run: it must be what was approved.",
    },
    "ReportRequest": {
        "state": "What came of it.",
        "claim_id": "The one under which it was claimed.",
        "detail": "What happened, in a sentence; people read it.",
    },
    "WaitQuery": {
        "wait": "For how many seconds to wait for the revision to differ from `If-None-Match`. Without that header: for"
        " anything to change, and not at all once the package is settled. When time is up, the current state is given."
    },
    "ListQuery": {
        "status": "Only these.",
        "thread_id": "Only those of this thread.",
        "action_type": "Only those of this action type.",
        "cursor": "`next_cursor` of the page before.",
        "limit": "How many on a page.",
    },
}

SUBMISSION: dict[str, Any] = {
    "title": "Refund order 1042",
    "action_type": "execute_payment",
    "action_parameters": {"order": "1042", "amount": 42.5, "currency": "EUR"},
    "proposed_action": "Pay 42.50 EUR back to the customer of order 1042.",
    "rationale": "The parcel was lost, and the carrier confirmed it.",
    "risk_level": "medium",
    "confidence": 0.92,
    "cost": {"amount": 42.5, "currency": "EUR"},
    "evidence_refs": [{"id": "carrier", "title": "Confirmation of the carrier", "url": "https://example.com/c/77"}],
}

_ID = "pkg_01a1fb842069d4e34639d69fa767"
DIGEST = "sha256:49cad40d43510cd82871f0cbe417a9cd98da33db93b8e42c8ffa91780cde96aa"

PENDING: dict[str, Any] = {
    "decision_package_id": _ID,
    "version": 1,
    "tenant_id": "T012AB3CD",
    "status": "pending",
    "terminal": False,
    "may_proceed": False,
    "level": "hard_approval",
    "why": [
        {
            "rule": "irreversible-high",
            "level": "hard_approval",
            "because": "irreversible actions require hard_approval",
        },
        {"rule": "risk-medium", "level": "soft_approval", "because": "medium risk requires soft_approval"},
    ],
    "warnings": [],
    "action_digest": DIGEST,
    "interrupt": {
        "interrupt_id": "int_01a1fb842069d4e34639d69fa767",
        "status": "pending",
        "reason": "irreversible actions require hard_approval",
        "required_role": "senior_reviewer",
        "quorum": {"needed": 1, "have": 0, "of_role": {}},
        "rung": 0,
        "assigned_to": None,
        "created_at": "2026-11-20T12:00:00Z",
        "expires_at": "2026-11-21T12:00:00Z",
    },
    "decision": None,
    "execution": {"state": "none"},
    "agent_message": "Waiting for a senior reviewer; poll this URL or wait for the callback.",
    "run_id": None,
    "thread_id": None,
    "checkpoint_id": None,
    "metadata": {},
    "revision": 1,
    "created_at": "2026-11-20T12:00:00Z",
    "updated_at": "2026-11-20T12:00:00Z",
}

APPROVED: dict[str, Any] = PENDING | {
    "status": "approved",
    "terminal": True,
    "may_proceed": True,
    "interrupt": PENDING["interrupt"] | {"status": "decided", "quorum": {"needed": 1, "have": 1, "of_role": {}}},
    "decision": {
        "decision": "approve",
        "basis": "human",
        "reviewers": [{"reviewer_id": "U045EF6GH", "name": "Senta", "role": "senior_reviewer"}],
        "comment": "The carrier's letter is there.",
        "instructions": None,
        "answer": None,
        "override": None,
        "action_parameters": SUBMISSION["action_parameters"],
        "decided_at": "2026-11-20T12:04:30Z",
        "latency_ms": 270000,
        "package_version": 1,
        "policy_version": "default-1+4f1c2a9b",
        "rendering_id": "rnd_5e0c",
    },
    "execution": {"state": "none", "lapses_at": "2026-11-22T12:04:30Z"},
    "agent_message": "You may act on decision.action_parameters, once: claim the execution first, then report its"
    " outcome.",
    "revision": 4,
    "updated_at": "2026-11-20T12:04:30Z",
}

CLAIMED: dict[str, Any] = APPROVED | {
    "may_proceed": False,
    "execution": {"state": "claimed", "claim_id": "worker-1", "claimed_at": "2026-11-20T12:05:00Z"},
    "agent_message": "The execution is claimed: whoever claimed it runs it, once, and then reports its outcome."
    " Nobody else may run it.",
    "revision": 5,
    "updated_at": "2026-11-20T12:05:00Z",
}

CANCELLED: dict[str, Any] = PENDING | {
    "status": "cancelled",
    "terminal": True,
    "interrupt": PENDING["interrupt"] | {"status": "cancelled"},
    "agent_message": "This was cancelled: do not act.",
    "revision": 2,
}
