"""The table of routes: what each takes, its answers, and its possible problems.

`/openapi.json` and `/docs` are built from this table; tests compare the application and its real answers with it.
"""

from __future__ import annotations

from bot.api.description import descriptions as words
from bot.api.description.handoff_routes import HANDOFF_ROUTES
from bot.api.description.health_shapes import Health, Readiness
from bot.api.description.message_routes import LIST_MESSAGES, SAY
from bot.api.description.route import ANY, ETAG, KEYED, LOCATION, ONE, REPLAYED, RETRY_AFTER, WRITE, Answer, Route
from bot.api.description.shapes import Events, Page, StatusDocument
from bot.api.description.thread_routes import THREAD_ROUTES
from bot.api.problem_types import Fault
from bot.api.requests import (
    CancelRequest,
    ClaimRequest,
    ListQuery,
    NewVersionRequest,
    ReportRequest,
    WaitQuery,
)
from rules.package.model import DecisionPackage
from rules.reasons import Reason

_PROPOSE = (
    Reason.AGENT_PAUSED,
    Reason.BEYOND_KEY,
    Reason.RATE_LIMITED,
    Reason.ALREADY_REJECTED,
    Reason.THREAD_TAKEN_OVER,
    Reason.THREAD_HELD,
    Reason.THREAD_CANCELLED,
    Reason.ALREADY_EXPIRED,
    Reason.QUALITY_GAPS,
    Reason.TOO_LONG_TO_SHOW,
    Reason.REQUESTER_UNKNOWN,
    Reason.EXCEPTION_NOT_VALID,
    Reason.NO_ELIGIBLE_REVIEWER,
    Reason.DIRECTORY_STALE,
)

_SUBMIT = Route(
    name="submit",
    method="post",
    path="/v1/packages",
    title="Submit a decision package",
    text="Propose an action. The policy decides whether people have to approve it. If not, it is settled at once.",
    bodies=(DecisionPackage,),
    examples=(("A refund", words.SUBMISSION),),
    takes=("Idempotency-Key", "traceparent", "tracestate"),
    answers=(
        Answer(
            status=200,
            when="The same package was submitted before. Returns it as it is now.",
            body=StatusDocument,
            headers=(ETAG, LOCATION, REPLAYED, f"{RETRY_AFTER}?"),
            example=words.APPROVED,
        ),
        Answer(
            status=201,
            when="The policy settled it at once (full_auto, notify_only).",
            body=StatusDocument,
            headers=(ETAG, LOCATION),
            links=("read", "events", "execute"),
        ),
        Answer(
            status=202,
            when="A person is awaited.",
            body=StatusDocument,
            headers=(ETAG, LOCATION, RETRY_AFTER),
            example=words.PENDING,
            links=("read", "newVersion", "cancel", "events"),
        ),
    ),
    problems=(*ANY, *WRITE, *KEYED, *_PROPOSE),
)

_LIST = Route(
    name="list",
    method="get",
    path="/v1/packages",
    title="List your packages",
    text="Your own packages, newest first, in pages.",
    query=ListQuery,
    answers=(
        Answer(
            status=200,
            when="A page.",
            body=Page,
            example={"packages": [words.PENDING], "next_cursor": None},
        ),
    ),
    problems=(*ANY, Fault.INVALID),
)

_READ = Route(
    name="read",
    method="get",
    path="/v1/packages/{id}",
    title="Read a package, or wait for it to change",
    text="With `wait` this is a long poll: send the last `ETag` as `If-None-Match`, and the answer comes as soon as the"
    " package has another revision. If it has the same after that time, the answer is a `304` without a body.",
    query=WaitQuery,
    takes=("If-None-Match",),
    answers=(
        Answer(status=200, when="The package.", body=StatusDocument, headers=(ETAG,), example=words.APPROVED),
        Answer(
            status=304, when="The package still has the revision that `If-None-Match` names.", body="", headers=(ETAG,)
        ),
    ),
    problems=(*ONE, Fault.INVALID, Reason.RATE_LIMITED),
)

_VERSION = Route(
    name="newVersion",
    method="post",
    path="/v1/packages/{id}/versions",
    title="Send a new version",
    text="Answers a request for changes or evidence, or improves a proposal that is still open. Kind, action type and"
    " subject must stay the same. The level, the rung and the barred people stay. Earlier votes no longer count.",
    bodies=(NewVersionRequest,),
    examples=(("With what the reviewer asked for", words.SUBMISSION | {"expected_package_version": 1}),),
    takes=("Idempotency-Key",),
    answers=(
        Answer(
            status=200,
            when="The same version was sent before. Returns the package as it is now.",
            body=StatusDocument,
            headers=(ETAG, REPLAYED, f"{RETRY_AFTER}?"),
        ),
        Answer(
            status=202,
            when="The new version waits for a person.",
            body=StatusDocument,
            headers=(ETAG, RETRY_AFTER),
            example=words.PENDING | {"version": 2, "revision": 4},
        ),
    ),
    problems=(
        *ONE,
        *WRITE,
        *KEYED,
        *_PROPOSE,
        Reason.STALE_VERSION,
        Reason.KEEPS_ITS_SUBJECT,
        Reason.ALREADY_DECIDED,
    ),
)

_CANCEL = Route(
    name="cancel",
    method="post",
    path="/v1/packages/{id}/cancel",
    title="Withdraw a package",
    text="Possible until it is decided. Repeating the request changes nothing.",
    bodies=(CancelRequest,),
    examples=(("No longer needed", {"reason": "The customer called: the parcel has come after all."}),),
    takes=("Idempotency-Key",),
    answers=(
        Answer(
            status=200,
            when="It is withdrawn.",
            body=StatusDocument,
            headers=(ETAG, f"{REPLAYED}?"),
            example=words.CANCELLED,
        ),
    ),
    problems=(*ONE, *WRITE, *KEYED, Reason.ALREADY_DECIDED),
)

_EXECUTION = Route(
    name="execute",
    method="post",
    path="/v1/packages/{id}/execution",
    title="Claim the execution, then report the outcome",
    text="Claim it once, before the approval expires, and only for the approved digest. Then act on"
    " `decision.action_parameters`. Then report. Without a report in time, the outcome is `unknown`. A retry that"
    " people allow is claimed with a new `claim_id`.",
    bodies=(ClaimRequest, ReportRequest),
    examples=(
        ("Claim", {"state": "claimed", "claim_id": "worker-1", "action_digest": words.DIGEST}),
        ("Report", {"state": "succeeded", "claim_id": "worker-1", "detail": "Paid; receipt 5521."}),
    ),
    answers=(
        Answer(
            status=200,
            when="Claimed or reported. The same request again has the same result.",
            body=StatusDocument,
            headers=(ETAG,),
            example=words.CLAIMED,
        ),
    ),
    problems=(
        *ONE,
        *WRITE,
        Reason.MAY_NOT_PROCEED,
        Reason.DIGEST_MISMATCH,
        Reason.ALREADY_CLAIMED,
        Reason.CONTENT_UNREADABLE,
        Reason.APPROVAL_LAPSED,
        Reason.APPROVAL_NO_LONGER_VALID,
        Reason.DIRECTORY_STALE,
        Reason.AGENT_PAUSED,
        Reason.THREAD_TAKEN_OVER,
        Reason.THREAD_HELD,
        Reason.THREAD_CANCELLED,
        Reason.NOT_CLAIMED,
        Reason.CLAIM_REPLACED,
        Reason.ALREADY_REPORTED,
        Reason.ALREADY_DECIDED,
        Reason.AWAITS_AGENT,
        Reason.IS_DEFERRED,
        Reason.NOT_IN_THIS_STATE,
    ),
)

_EVENTS = Route(
    name="events",
    method="get",
    path="/v1/packages/{id}/events",
    title="Read a package's audit events",
    text="Oldest first. Each event holds the digest of the previous one. If an approval is judged blindly, who does so"
    " and what they find is left out: the `actor` of these events is `withheld`, and their `change` is empty.",
    answers=(Answer(status=200, when="The events.", body=Events),),
    problems=ONE,
)


def _plain(path: str, name: str, title: str, *answers: Answer) -> Route:
    return Route(
        name=name, method="get", path=path, title=title, text="", answers=answers, problems=(Fault.BAD_REQUEST,)
    )


_READY = Answer(status=200, when="It takes requests.", body=Readiness)
_NOT_READY = Answer(status=503, when="The database does not answer.", body=Readiness)

ROUTES: tuple[Route, ...] = (
    _SUBMIT,
    _LIST,
    _READ,
    _VERSION,
    _CANCEL,
    _EXECUTION,
    _EVENTS,
    LIST_MESSAGES,
    SAY,
    *THREAD_ROUTES,
    *HANDOFF_ROUTES,
    _plain("/healthz", "healthz", "Liveness", Answer(status=200, when="The process answers.", body=Health)),
    _plain("/readyz", "readyz", "Readiness and posture", _READY, _NOT_READY),
    _plain("/metrics", "metrics", "Prometheus metrics", Answer(status=200, when="The metrics.", body="text/plain")),
    _plain(
        "/openapi.json", "openapi", "This document", Answer(status=200, when="OpenAPI 3.1.", body="application/json")
    ),
    _plain("/docs", "docs", "This documentation as a page", Answer(status=200, when="A page.", body="text/html")),
)
