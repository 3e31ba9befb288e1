"""The rows of the routes for handoffs.

`routes` adds them to the table from which `/openapi.json` and `/docs` are built, and tests compare the application with
that table. The handlers are in `bot.api.threads.handoff_handlers`.
"""

from __future__ import annotations

from typing import Any

from bot.api.description.handoff_shapes import HandoffDocument, HandoffList
from bot.api.description.route import ANY, KEYED, REPLAYED, WRITE, Answer, Route
from bot.api.problem_types import Fault, Kind
from bot.api.threads.requests import (
    DeclineRequest,
    EmptyRequest,
    HandoffListQuery,
    HandoffRequest,
    HandoffWaitQuery,
    ReturnRequest,
)
from rules.reasons import Reason

EXAMPLE: dict[str, Any] = {
    "handoff_id": "hof_8d1f0e6b2c3a49570b1e2f3a4c",
    "status": "offered",
    "mode": "delegate",
    "from_agent": "Researcher",
    "from_agent_id": "agt_01a22b099bdb29670cfa79fe3acb",
    "to_agent": "Writer",
    "to_agent_id": "agt_01a22b099bdb29670cfa79fe3acc",
    "offered_at": "2026-11-20T12:00:00Z",
    "due_at": "2026-11-20T13:00:00Z",
    "decision_package_id": None,
    "thread_id": "case-456",
    "reason": "The sources are read. Please write the report.",
    "captured_state": {"sources": 3},
    "user_context": {"customer": "4711"},
    "decline_reason": None,
    "result": None,
    "result_state": None,
}
_CHANGE = (*ANY, *WRITE, *KEYED, Reason.HANDOFF_UNKNOWN, Reason.HANDOFF_NOT_OPEN, Reason.THREAD_CANCELLED)
# The further problems of a request that gives the thread to another agent.
_GOES_OVER = (
    Reason.THREAD_HELD,
    Reason.THREAD_TAKEN_OVER,
    Reason.AGENT_PAUSED,
    Reason.BEYOND_KEY,
    Reason.DIRECTORY_STALE,
    Reason.HANDOFF_NOT_ALLOWED,
    Reason.HANDOFF_NEEDS_PERSON,
    Reason.RATE_LIMITED,
)


def _act(verb: str, title: str, text: str, body: type[Any], example: Any, *problems: Kind) -> Route:
    done = Answer(
        status=200,
        when="It is done. The same request again changes nothing.",
        body=HandoffDocument,
        headers=(f"{REPLAYED}?",),
        example=EXAMPLE,
    )
    return Route(
        name=f"{verb}Handoff",
        method="post",
        path=f"/v1/handoffs/{{handoff_id}}/{verb}",
        title=title,
        text=text,
        bodies=(body,),
        examples=((title, example),),
        takes=("Idempotency-Key",),
        answers=(done,),
        problems=(*_CHANGE, *problems),
    )


HANDOFF_ROUTES = (
    Route(
        name="offerHandoff",
        method="post",
        path="/v1/handoffs",
        title="Offer a thread to another agent",
        text="A `peer` gets the thread for good, a `delegate` until it returns it with a result. Once the other agent"
        " accepts, your open packages of the thread and your unused approvals are its own, and are unknown to you. The"
        " policy's `[handoffs]` says who may hand over to whom, and what a person must allow first.",
        bodies=(HandoffRequest,),
        examples=(
            (
                "To a specialist",
                {
                    "thread_id": "case-456",
                    "to_agent": "Writer",
                    "reason": "The sources are read. Please write the report.",
                    "mode": "delegate",
                    "captured_state": {"sources": 3},
                    "user_context": {"customer": "4711"},
                },
            ),
        ),
        takes=("Idempotency-Key",),
        answers=(
            Answer(
                status=202,
                when="It is offered. The other agent has until `due_at` to answer.",
                body=HandoffDocument,
                headers=(f"{REPLAYED}?",),
                example=EXAMPLE,
            ),
        ),
        problems=(
            *ANY,
            *WRITE,
            *KEYED,
            Reason.RATE_LIMITED,
            Reason.THREAD_UNKNOWN,
            Reason.THREAD_HELD,
            Reason.THREAD_TAKEN_OVER,
            Reason.THREAD_CANCELLED,
            Reason.AGENT_PAUSED,
            Reason.HANDOFF_NOT_ALLOWED,
            Reason.HANDOFF_NEEDS_PERSON,
        ),
    ),
    Route(
        name="listHandoffs",
        method="get",
        path="/v1/handoffs",
        title="List handoffs, or wait for one",
        text="At most 50 that are offered to you or, with `direction=given`, by you. With `status=offered`, the one"
        " that waits longest comes first; else the newest. With `wait` the answer comes as soon as there is one, or is"
        " empty after so many seconds.",
        query=HandoffListQuery,
        answers=(Answer(status=200, when="The handoffs.", body=HandoffList),),
        problems=(*ANY, Fault.INVALID, Reason.RATE_LIMITED),
    ),
    Route(
        name="readHandoff",
        method="get",
        path="/v1/handoffs/{handoff_id}",
        title="Read a handoff, or wait for it to change",
        text="Only the two agents that take part can read it. With `wait` and the `status` that you know, the answer"
        " comes as soon as it has another one.",
        query=HandoffWaitQuery,
        answers=(Answer(status=200, when="The handoff.", body=HandoffDocument, example=EXAMPLE),),
        problems=(*ANY, Fault.INVALID, Reason.HANDOFF_UNKNOWN, Reason.RATE_LIMITED),
    ),
    _act(
        "accept",
        "Accept a handoff",
        "The thread is yours, with its open packages. Your key must cover all of them. People who were barred from"
        " deciding on this thread stay barred, and so are the owners of both agents. The stricter earned autonomy of"
        " both agents counts, and what people refused to one of them is refused to both.",
        EmptyRequest,
        {},
        *_GOES_OVER,
    ),
    _act("decline", "Decline a handoff", "Nothing changes hands.", DeclineRequest, {"reason": "I write no reports."}),
    _act(
        "return",
        "Return a delegated thread",
        "The thread and its open packages go back to the agent that lent it.",
        ReturnRequest,
        {"result": "The report is written.", "result_state": {"report": "https://example.com/r/7"}},
        *_GOES_OVER,
        Reason.THREAD_UNKNOWN,
    ),
)
