"""Texts for `/openapi.json` and `/docs`: what each request field means, and examples.

`MODELS` maps a request model to the text of each of its fields; a test fails if one is missing or too many. The
examples (`PENDING`, `APPROVED`, …) are whole documents, which the rows of `routes` attach to their answers.
"""

from __future__ import annotations

from typing import Any

ABOUT = """Countersign is the human control point of AI agents: an agent proposes, the policy decides whether someone
has to approve it, and who, people decide in Slack, and the agent resumes on a durable answer.

An agent's key can create, read, revise, withdraw, claim and report its **own** packages, and write messages about
them. No route lets it decide.

Errors are `application/problem+json` (RFC 9457) with a stable `type`. Answers may gain fields: ignore what you do
not know.

1. Post a decision package. `201`: the policy settled it at once. `202`: it waits for a person.
2. Wait with `GET /v1/packages/{id}?wait=25` in a loop, with the last `ETag` as `If-None-Match`.
3. If `may_proceed` is true, claim the execution with the `action_digest` of the action that you are about to run.
4. Act on `decision.action_parameters`, then report the outcome.
5. After a failure people may allow a retry: `may_proceed` is then true again, and `recovery` says what they decided.
6. If the status is `revision_requested` or `evidence_requested`, read `decision.instructions` and send a new version.
7. In every other case: do not act.

The same as JSON: [/openapi.json](/openapi.json)."""

PACKAGE: dict[str, str] = {
    "kind": "An approved `action` or `tool_call` permits one exact call; a `question` always waits for a person.",
    "title": "The first line of the card.",
    "action_type": "The action type in the policy. If the policy does not list it, it is treated as irreversible_high.",
    "action_parameters": "The exact arguments. Required for `action`, `tool_call`, `memory` and `policy_exception`.",
    "proposed_action": "What the agent wants to do, in a sentence.",
    "rationale": "Why the agent wants to do it.",
    "risk_level": "The risk as the agent sees it. It can make the review stricter than the policy does, never looser.",
    "confidence": "The agent's confidence, from 0 to 1.",
    "subject_type": "The kind of thing that the action changes, such as `order`.",
    "subject_id": "Its id. An approval covers the subject's type and id.",
    "subject_url": "A page about the subject, for reviewers.",
    "evidence_refs": "What a reviewer can check: `{id, title, url, excerpt}`, or just a text.",
    "known_uncertainties": "What the agent does not know or doubts.",
    "alternatives": "Other possible actions.",
    "policy_basis": "The rules that the action follows.",
    "dissent": "Other agents or models that disagree, and why.",
    "material_change": "What has changed since a person rejected the same action. Needs an explicit approval then.",
    "side_effect_preview": "What the action will change.",
    "consequence": "The expected result.",
    "downstream_impact": "Later effects.",
    "rollback_plan": "How to undo the action.",
    "reversibility": "Reversibility as the agent sees it. The stricter of this and the policy's counts.",
    "cost": "The cost of the action.",
    "data_classes": "Classes of the data that it uses, such as `financial`, `pii`, `regulated`, `external`.",
    "recommendation": "`clarify` requires an explicit approval, `escalate` asks a person to take over.",
    "requested_by": "The human behind the request: a Slack user id or e-mail address of a member, or the name or id of"
    " a registered agent, whose owner then counts as the requester. Without it, the agent's owner. A requester can stop"
    " the package but not approve it. Anyone else is refused, unless the policy lists their domain in `outsiders`.",
    "on_behalf_of": "The rest of the delegation chain, named like `requested_by`. None of them can approve it.",
    "run_id": "Returned unchanged.",
    "thread_id": "Packages of one thread belong together: while one is taken over, new ones are refused.",
    "checkpoint_id": "Returned unchanged: the point from which the run continues.",
    "interrupt_type": "The reason for the pause. `error_recovery` asks people whether to retry, to roll back or to"
    " leave it; their answer is `recovery`.",
    "allowed_decisions": "The decisions that the agent can handle. reject, escalate and take_over are always possible.",
    "answers": "For a question: up to nine answers to choose from. Up to four short ones are buttons of the card.",
    "free_answer": "Whether a person may also write an answer that `answers` does not offer.",
    "response_schema": "For a question: the form that people fill in, as a subset of JSON Schema. Its values come back"
    " as `decision.answer_data`.",
    "parameters_schema": "The types of the parameters, for people who edit them. The policy's own schema comes first.",
    "expires_at": "The agent's own deadline. It can only shorten the policy's times.",
    "callback_url": "The address for callbacks about this package, instead of the agent's own.",
    "idempotency_key": "The same as the header `Idempotency-Key`, for clients that cannot set headers.",
    "metadata": "Returned unchanged.",
    "takeover": "What a person needs to continue where the agent stops.",
    "expected_package_version": "The version that this one replaces.",
}

MODELS: dict[str, dict[str, str]] = {
    "DecisionPackage": PACKAGE,
    "NewVersionRequest": PACKAGE,
    "Evidence": {
        "id": "Your id for it.",
        "title": "A title of one line.",
        "url": "Its address, for reviewers.",
        "excerpt": "The relevant passage.",
    },
    "Dissent": {"by": "The agent or model that disagrees.", "position": "Its position.", "reason": "Its reason."},
    "Cost": {"amount": "In units of the currency.", "currency": "ISO 4217, such as EUR."},
    "CheckpointRequest": {
        "checkpoint_id": "Your id for it. A person who resumes the thread may name it.",
        "summary": "What is done by then, in a sentence or two, for people.",
        "state": "What you need to go on from there. People see it when they resume the thread.",
    },
    "TakeoverPackage": {
        "summary": "The state of the work.",
        "stopping_reason": "Why the agent stops.",
        "work_completed": "The steps that are done.",
        "current_state": "The current state, as an object or a text.",
        "next_steps": "The steps that remain.",
    },
    "FormSchema": {
        "type": "Always `object`.",
        "title": "Shown above the form of a question.",
        "description": "Shown above the form of a question.",
        "properties": "The fields of the form, in this order.",
        "required": "The fields that must be filled in.",
    },
    "FormProperty": {
        "type": "What kind of value it is. It can be left out if there is an `enum`.",
        "title": "The label of the field. Without it, the property's name.",
        "description": "The hint below the field.",
        "enum": "The values to choose from.",
        "format": "`date`: a text such as 2026-12-01.",
        "minimum": "The smallest number.",
        "maximum": "The largest number.",
        "maxLength": "The most characters of a text.",
    },
    "MemoryParameters": {
        "proposed_memory": "The text to remember.",
        "source_refs": "Its sources.",
        "sensitivity": "Its sensitivity, such as `internal`.",
        "retention": "How long to keep it.",
    },
    "ExceptionParameters": {
        "policy_id": "The policy that would be overridden.",
        "rule": "The rule of Countersign's policy that would not speak. Without it, no rule changes.",
        "action_types": "For which action types. Required with a `rule`.",
        "agents": "For which agents of the same owner, by name or id. Without it, for the asking agent alone.",
        "requested_exception": "What to allow.",
        "justification": "Why the exception is needed.",
        "expires_at": "The end of the exception.",
    },
    "CancelRequest": {"reason": "Why the package is withdrawn. Reviewers see it."},
    "MessageRequest": {
        "text": "What the people who read the package should know.",
        "in_reply_to": "The id of the message that this one answers.",
    },
    "ClaimRequest": {
        "state": "`claimed` is the only value.",
        "claim_id": "Your id for this attempt. If a reply is lost, send it again: it is the same claim.",
        "action_digest": "The digest of the action that is about to run. It must be the approved one.",
    },
    "ReportRequest": {"state": "The outcome.", "claim_id": "The id of the claim.", "detail": "What happened."},
    "WaitQuery": {
        "wait": "How many seconds to wait until the revision differs from `If-None-Match`. Without that header,"
        " the request waits for any change, or not at all if it is settled. Then the current state is returned."
    },
    "ListQuery": {
        "status": "Only packages with these statuses.",
        "thread_id": "Only packages of this thread.",
        "action_type": "Only packages of this action type.",
        "cursor": "`next_cursor` of the previous page.",
        "limit": "Packages per page.",
    },
    "HandoffRequest": {
        "thread_id": "One of your threads.",
        "to_agent": "The name or the id of the other agent.",
        "reason": "Why, in a sentence. People read it.",
        "mode": "`peer`: for good. `delegate`: until it is returned with a result.",
        "captured_state": "The state from which the other agent goes on, as JSON of at most 200 KB.",
        "user_context": "What the other agent should know of the user, as JSON of at most 200 KB.",
        "decision_package_id": "The package by which people allowed it, if the policy asks for one.",
    },
    "DeclineRequest": {"reason": "Why not, in a sentence. People read it."},
    "ReturnRequest": {
        "result": "What came of it, in a sentence. People read it.",
        "result_state": "What the other agent needs to go on, as JSON of at most 200 KB.",
    },
    "HandoffWaitQuery": {
        "wait": "How many seconds to wait until the status is another one.",
        "status": "The status that you know.",
    },
    "HandoffListQuery": {
        "wait": "How many seconds to wait if there is none.",
        "status": "Only handoffs with this status. Offers of a thread that is on hold are left out.",
        "thread_id": "Only handoffs of this thread.",
        "direction": "`received`, or `given` for those that this agent offered.",
    },
    "MessagesQuery": {"cursor": "`next_cursor` of the previous page.", "limit": "Messages per page."},
    "HistoryQuery": {"cursor": "`next_cursor` of the previous page.", "limit": "Events per page."},
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

_REASON = "irreversible actions require hard_approval"
DIGEST = "sha256:49cad40d43510cd82871f0cbe417a9cd98da33db93b8e42c8ffa91780cde96aa"

PENDING: dict[str, Any] = {
    "decision_package_id": "pkg_01a1fb842069d4e34639d69fa767",
    "version": 1,
    "tenant_id": "T012AB3CD",
    "status": "pending",
    "terminal": False,
    "may_proceed": False,
    "level": "hard_approval",
    "why": [
        {"rule": "irreversible-high", "level": "hard_approval", "because": _REASON},
        {"rule": "risk-medium", "level": "soft_approval", "because": "medium risk requires soft_approval"},
    ],
    "warnings": [],
    "action_digest": DIGEST,
    "interrupt": {
        "interrupt_id": "int_01a1fb842069d4e34639d69fa767",
        "status": "pending",
        "reason": _REASON,
        "required_role": "senior_reviewer",
        "quorum": {"needed": 1, "have": 0, "of_role": {}},
        "rung": 0,
        "assigned_to": None,
        "created_at": "2026-11-20T12:00:00Z",
        "expires_at": "2026-11-21T12:00:00Z",
    },
    "decision": None,
    "execution": {"state": "none"},
    "recovery": None,
    "agent_message": "Waiting for a senior reviewer. Poll this URL or wait for the callback.",
    "run_id": None,
    "thread_id": None,
    "checkpoint_id": None,
    "messages": [],
    "metadata": {},
    "revision": 1,
    "created_at": "2026-11-20T12:00:00Z",
    "updated_at": "2026-11-20T12:00:00Z",
}

MESSAGE: dict[str, Any] = {
    "message_id": "evt_7c2b5f0e9a4d4b3c8e1f6a2d9b0c4e5700",
    "by": {"reviewer_id": "U045EF6GH", "name": "Senta"},
    "text": "Is the customer's bank account still the same?",
    "at": "2026-11-20T12:01:00Z",
    "version": 1,
    "in_reply_to": None,
}

REPLY: dict[str, Any] = {
    "message_id": "evt_0f1e2d3c4b5a49688796a5b4c3d2e1f000",
    "by": "agent",
    "text": "Yes, the customer confirmed it today.",
    "at": "2026-11-20T12:01:20Z",
    "version": 1,
    "in_reply_to": MESSAGE["message_id"],
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
        "answer_data": None,
        "override": None,
        "action_parameters": SUBMISSION["action_parameters"],
        "decided_at": "2026-11-20T12:04:30Z",
        "latency_ms": 270000,
        "package_version": 1,
        "policy_version": "default-1+4f1c2a9b",
        "rendering_id": "rnd_5e0c",
    },
    "execution": {"state": "none", "lapses_at": "2026-11-22T12:04:30Z"},
    "agent_message": "You may act on decision.action_parameters once. Claim the execution first, then report the"
    " outcome.",
    "revision": 4,
    "updated_at": "2026-11-20T12:04:30Z",
}

CLAIMED: dict[str, Any] = APPROVED | {
    "may_proceed": False,
    "execution": {"state": "claimed", "claim_id": "worker-1", "claimed_at": "2026-11-20T12:05:00Z"},
    "agent_message": "The execution is claimed. The worker that claimed it runs it once and reports the outcome."
    " No other worker may run it.",
    "revision": 5,
    "updated_at": "2026-11-20T12:05:00Z",
}

CANCELLED: dict[str, Any] = PENDING | {
    "status": "cancelled",
    "terminal": True,
    "interrupt": PENDING["interrupt"] | {"status": "cancelled"},
    "agent_message": "This was cancelled. Do not act.",
    "revision": 2,
}
