"""The handlers of the routes for handoffs: an agent offers a thread; another one accepts, declines or returns it.

A handoff is a command of its thread, so writes go through `execute_command`, as checkpoints do. An agent sees only the
handoffs that it gives or gets.
"""

from __future__ import annotations

from http import HTTPStatus

from aiohttp import web

from bot.api.answering import command_id_of, json_response
from bot.api.authentication import AGENT
from bot.api.problems import Problem
from bot.api.requests import RequestShape, idempotency_key, parse_body, parse_query
from bot.api.service import SERVICE
from bot.api.threads.handlers import execute_command
from bot.api.threads.requests import (
    DeclineRequest,
    EmptyRequest,
    HandoffListQuery,
    HandoffRequest,
    HandoffWaitQuery,
    ReturnRequest,
)
from rules.reasons import Reason
from rules.threads.commands import AcceptHandoff, DeclineHandoff, HandoffCommand, OfferHandoff, ReturnHandoff
from rules.threads.handing_over import handoff_id_of
from store.threads.handoffs import HandoffQuery


async def offer_handoff(request: web.Request) -> web.Response:
    """Offer one of the agent's threads to another agent."""
    body = await parse_body(request, HandoffRequest)
    fields = body.model_dump(exclude_unset=True)
    command = OfferHandoff(command_id=command_id_of(request, idempotency_key(request)), **fields)
    return await _execute(request, command, body, handoff_id_of(command), HTTPStatus.ACCEPTED)


async def list_handoffs(request: web.Request) -> web.Response:
    """List handoffs to the agent or, with `direction=given`, by it. With `wait`, as soon as there is one."""
    query, service, agent = parse_query(request, HandoffListQuery), request.app[SERVICE], request[AGENT]
    wanted = HandoffQuery(status=query.status, gives=query.direction == "given", thread_id=query.thread_id)
    if not query.wait:
        return json_response({"handoffs": await service.handoffs.list_documents(agent, wanted)})
    with service.polls.hold(agent.agent_id), service.metrics.waiting.track_inprogress():
        return json_response({"handoffs": await service.handoffs.wait_for_any(agent, wanted, query.wait)})


async def read_handoff(request: web.Request) -> web.Response:
    """Answer with the handoff: now or, with `wait`, as soon as its status is another one than `status`."""
    query, service, agent = parse_query(request, HandoffWaitQuery), request.app[SERVICE], request[AGENT]
    handoff_id = request.match_info["handoff_id"]
    if query.wait and query.status:
        with service.polls.hold(agent.agent_id), service.metrics.waiting.track_inprogress():
            await service.handoffs.wait_for_change(handoff_id, agent, query.status, query.wait)
    return await _answer(request, handoff_id)


async def accept_handoff(request: web.Request) -> web.Response:
    """Take the thread and its open packages."""
    return await _handle(request, AcceptHandoff, EmptyRequest)


async def decline_handoff(request: web.Request) -> web.Response:
    return await _handle(request, DeclineHandoff, DeclineRequest)


async def return_handoff(request: web.Request) -> web.Response:
    """Give a delegated thread back, with a result."""
    return await _handle(request, ReturnHandoff, ReturnRequest)


async def _handle(request: web.Request, kind: type[HandoffCommand], shape: type[RequestShape]) -> web.Response:
    body, handoff_id = await parse_body(request, shape), request.match_info["handoff_id"]
    thread_id = await request.app[SERVICE].handoffs.thread_of(handoff_id, request[AGENT])
    if thread_id is None:
        raise Problem(Reason.HANDOFF_UNKNOWN)
    command = kind(
        command_id=command_id_of(request, idempotency_key(request)),
        thread_id=thread_id,
        handoff_id=handoff_id,
        **body.model_dump(exclude_unset=True),
    )
    return await _execute(request, command, body, handoff_id)


async def _execute(
    request: web.Request,
    command: OfferHandoff | HandoffCommand,
    body: RequestShape,
    handoff_id: str,
    status: HTTPStatus = HTTPStatus.OK,
) -> web.Response:
    outcome = await execute_command(request, command, body)
    return await _answer(request, handoff_id, status, replayed=outcome.replayed)


async def _answer(
    request: web.Request, handoff_id: str, status: HTTPStatus = HTTPStatus.OK, *, replayed: bool = False
) -> web.Response:
    document = await request.app[SERVICE].handoffs.load_document(handoff_id, request[AGENT])
    if document is None:
        raise Problem(Reason.HANDOFF_UNKNOWN)
    return json_response(document, status=status, headers={"Idempotent-Replayed": "true"} if replayed else {})


ROUTES = [
    web.post("/v1/handoffs", offer_handoff),
    web.get("/v1/handoffs", list_handoffs, allow_head=False),
    web.get("/v1/handoffs/{handoff_id}", read_handoff, allow_head=False),
    web.post("/v1/handoffs/{handoff_id}/accept", accept_handoff),
    web.post("/v1/handoffs/{handoff_id}/decline", decline_handoff),
    web.post("/v1/handoffs/{handoff_id}/return", return_handoff),
]
