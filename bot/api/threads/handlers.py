"""The handlers of the routes for threads. Agents read them and report checkpoints; only people control them.

A handler parses, makes one call of `service.threads`, and answers. Agents see only threads that they own: any other one
is unknown to them.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import NoReturn

from aiohttp import web
from pydantic import TypeAdapter, ValidationError

from bot.api.answering import command_id_of, digest_of, etag, json_response
from bot.api.authentication import AGENT
from bot.api.cursors import decode_event, encode_event
from bot.api.problems import Problem, field_problem, refusal_problem
from bot.api.requests import (
    HistoryQuery,
    RequestShape,
    WaitQuery,
    idempotency_key,
    parse_body,
    parse_query,
    seen_revision,
)
from bot.api.service import SERVICE
from bot.api.threads.requests import CheckpointRequest
from rules.package.fields import MAX_ID, Id
from rules.reasons import Reason
from rules.threads.commands import ReportCheckpoint, ThreadCommand
from store.threads.execute import ThreadOutcome

_THREAD_ID: TypeAdapter[str] = TypeAdapter(Id)


async def read_thread(request: web.Request) -> web.Response:
    """Answer with the thread: now or, with `wait`, as soon as it differs from the agent's revision."""
    service, wait = request.app[SERVICE], parse_query(request, WaitQuery).wait
    thread_id, agent, seen = _thread_id(request), request[AGENT], seen_revision(request)
    if wait:
        with service.polls.hold(agent.agent_id), service.metrics.waiting.track_inprogress():
            document = await service.threads.wait_for_change(thread_id, agent, seen, wait)
    else:
        document = await service.threads.load_document(thread_id, agent)
    if document is None:
        _raise_unknown()
    if document["revision"] == seen:
        return web.Response(status=HTTPStatus.NOT_MODIFIED, headers=etag(document))
    return json_response(document)


async def report_checkpoint(request: web.Request) -> web.Response:
    """Record a checkpoint. A repeated one with the same id replaces the earlier one."""
    body = await parse_body(request, CheckpointRequest)
    service, agent = request.app[SERVICE], request[AGENT]
    command = ReportCheckpoint(
        command_id=command_id_of(request, idempotency_key(request)),
        thread_id=_thread_id(request),
        checkpoint_id=body.checkpoint_id,
        summary=body.summary,
        state=body.state,
    )
    outcome = await execute_command(request, command, body)
    document = await service.threads.load_document(command.thread_id, agent)
    if document is None:
        _raise_unknown()
    replayed = {"Idempotent-Replayed": "true"} if outcome.replayed else {}
    return json_response(document, headers=replayed)


async def execute_command(request: web.Request, command: ThreadCommand, body: RequestShape) -> ThreadOutcome:
    """Execute the agent's command, and raise its refusal as a problem."""
    service, agent = request.app[SERVICE], request[AGENT]
    outcome = await service.threads.execute(command, agent.actor, agent=agent, content_digest=digest_of(body))
    service.metrics.commands.labels(command.verb, outcome.refusal.reason if outcome.refusal else "done").inc()
    if outcome.refusal:
        raise refusal_problem(outcome.refusal)
    return outcome


async def read_history(request: web.Request) -> web.Response:
    """List the events of the thread and of the agent's packages in it, oldest first."""
    query, threads = parse_query(request, HistoryQuery), request.app[SERVICE].threads
    after = decode_event(query.cursor) if query.cursor else None
    page = await threads.load_history(_thread_id(request), request[AGENT], limit=query.limit, after=after)
    if page is None:
        _raise_unknown()
    following = encode_event(page.following) if page.following else None
    return json_response({"events": page.events, "next_cursor": following})


def _thread_id(request: web.Request) -> str:
    try:
        return _THREAD_ID.validate_python(request.match_info["thread_id"].strip())
    except ValidationError:
        raise field_problem("thread_id", f"must have 1 to {MAX_ID} characters that can be printed") from None


def _raise_unknown() -> NoReturn:
    raise Problem(Reason.THREAD_UNKNOWN)


ROUTES = [
    web.get("/v1/threads/{thread_id}", read_thread, allow_head=False),
    web.post("/v1/threads/{thread_id}/checkpoints", report_checkpoint),
    web.get("/v1/threads/{thread_id}/history", read_history, allow_head=False),
]
