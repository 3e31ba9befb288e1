"""The rows of the routes for threads."""

from __future__ import annotations

from typing import Any

from bot.api.description.route import ANY, ETAG, KEYED, REPLAYED, WRITE, Answer, Route
from bot.api.description.thread_shapes import ThreadDocument, ThreadHistory
from bot.api.problem_types import Fault
from bot.api.requests import HistoryQuery, WaitQuery
from bot.api.threads.requests import CheckpointRequest
from rules.reasons import Reason

_OF_THREAD = (*ANY, Fault.INVALID, Reason.THREAD_UNKNOWN)

EXAMPLE: dict[str, Any] = {
    "thread_id": "case-456",
    "state": "held",
    "owner_agent": "agt_01a22b099bdb29670cfa79fe3acb",
    "reason": "Wait: the customer is calling.",
    "instruction": None,
    "modified_state": None,
    "resume_checkpoint_id": None,
    "latest_checkpoint_id": "step-3",
    "rollback_requested": False,
    "since": "2026-11-20T12:00:00Z",
    "by": {"reviewer_id": "U0RITA", "name": "Rita"},
    "agent_message": "A person has put this thread on hold. Do not act. Wait until it is resumed.",
    "packages": [],
    "handoffs": [],
    "revision": 2,
}

THREAD_ROUTES = (
    Route(
        name="readThread",
        method="get",
        path="/v1/threads/{thread_id}",
        title="Read a thread, or wait for it to change",
        text="People hold, resume and cancel threads. Read this before you act, and go on only if it is `running`. With"
        " `wait` it is a long poll, as for packages.",
        query=WaitQuery,
        takes=("If-None-Match",),
        answers=(
            Answer(status=200, when="The thread.", body=ThreadDocument, headers=(ETAG,), example=EXAMPLE),
            Answer(
                status=304,
                when="The thread still has the revision that `If-None-Match` names.",
                body="",
                headers=(ETAG,),
            ),
        ),
        problems=(*_OF_THREAD, Reason.RATE_LIMITED),
    ),
    Route(
        name="reportCheckpoint",
        method="post",
        path="/v1/threads/{thread_id}/checkpoints",
        title="Report a checkpoint",
        text="A point from which you can go on. A person who resumes the thread may name it. Report it again under the"
        " same id to replace it.",
        bodies=(CheckpointRequest,),
        examples=(("After the research", {"checkpoint_id": "step-3", "summary": "Three sources read."}),),
        takes=("Idempotency-Key",),
        answers=(
            Answer(
                status=200,
                when="It is recorded. The same request again changes nothing.",
                body=ThreadDocument,
                headers=(ETAG, f"{REPLAYED}?"),
                example=EXAMPLE,
            ),
        ),
        problems=(*ANY, *WRITE, *KEYED, Reason.THREAD_UNKNOWN, Reason.THREAD_CANCELLED, Reason.RATE_LIMITED),
    ),
    Route(
        name="threadHistory",
        method="get",
        path="/v1/threads/{thread_id}/history",
        title="Read a thread's audit events",
        text="The events of the thread and of your packages in it, oldest first. `next_cursor` is the `cursor` of the"
        " next page, or null.",
        query=HistoryQuery,
        answers=(Answer(status=200, when="The events.", body=ThreadHistory),),
        problems=_OF_THREAD,
    ),
)
