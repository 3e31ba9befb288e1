"""Every request to Slack goes through `serve`: apply faults, answer, and record the call.

A fault (`playground.model.faults`) can delay a call, hold it, refuse it, break the connection, or lose the answer of a
call that was carried out. `web_api` and `responses` only say how a call is answered.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from aiohttp import web

from playground.model.faults import Fault
from playground.model.refusals import RefusedError
from playground.model.workspace import Workspace

Arguments = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Reply:
    """`page` replaces the JSON, as from a failing server."""

    answer: Mapping[str, Any]
    status: int = HTTPStatus.OK
    headers: Mapping[str, str] = field(default_factory=dict)
    page: str | None = None
    content_type: str = "text/html"

    def response(self) -> web.StreamResponse:
        if self.page is not None:
            return web.Response(text=self.page, status=self.status, content_type=self.content_type)
        return web.json_response(self.answer, status=self.status, headers=self.headers)


def rate_limited(seconds: int) -> Reply:
    answer = {"ok": False, "error": "ratelimited"}
    return Reply(answer, HTTPStatus.TOO_MANY_REQUESTS, {"Retry-After": str(seconds)})


async def serve(
    slack: Workspace, request: web.Request, method: str, run: Callable[[Arguments], Reply]
) -> web.StreamResponse:
    """Answer one request: the active faults first, then `run`. The call is recorded even if its answer is lost."""
    if slack.faults.refusing:
        return cut_connection(request)
    faults = slack.faults.take_for(method)
    for fault in faults:
        await _delay(fault)
    try:
        arguments = await arguments_of(request)
        reply = _fault_reply(slack, faults) or run(arguments)
    except RefusedError as refused:
        arguments, reply = {}, Reply(refused.answer())
    reply = _failing_reply(faults, reply)
    recorded = {name: value for name, value in arguments.items() if name != "token"}
    slack.record(method, recorded, reply.status, reply.answer)
    if any(fault.lost for fault in faults):
        return cut_connection(request)
    if any(fault.broken_off for fault in faults):
        return await _break_off(request, reply)
    return reply.response()


async def _delay(fault: Fault) -> None:
    if fault.gate:
        await fault.gate.pass_through()
    if fault.seconds:
        await asyncio.sleep(fault.seconds)


def _fault_reply(slack: Workspace, faults: list[Fault]) -> Reply | None:
    """The reply of the first fault that answers instead of Slack."""
    for fault in faults:
        if fault.error == "ratelimited":
            return rate_limited(slack.faults.limited_for(fault))
        if fault.status:
            answer = {"ok": False, "error": f"HTTP {fault.status}"}
            return Reply(answer, fault.status, page=fault.page, content_type=fault.content_type)
        if fault.error and not fault.carried_out:
            return Reply(_error(fault))
    return None


def _failing_reply(faults: list[Fault], reply: Reply) -> Reply:
    """An error, although the call was carried out."""
    for fault in faults:
        if fault.error and fault.carried_out:
            return Reply(_error(fault))
    return reply


def _error(fault: Fault) -> dict[str, Any]:
    return {"ok": False, "error": fault.error, **fault.fields}


def cut_connection(request: web.Request) -> web.StreamResponse:
    """End the connection without an answer."""
    if request.transport:
        request.transport.abort()
    return web.Response()


async def _break_off(request: web.Request, reply: Reply) -> web.StreamResponse:
    """Send the head and the first bytes of the answer, then end the connection."""
    response = web.StreamResponse(status=reply.status, headers={"Content-Length": "1000"})
    response.content_type = reply.content_type
    await response.prepare(request)
    await response.write(b'{"ok": ')
    return cut_connection(request)


async def arguments_of(request: web.Request) -> dict[str, Any]:
    """From the query string and from a body of either type: Slack accepts both at once, and slack_sdk relies on it."""
    query = dict(request.query)
    if request.method == "GET":
        return query
    if request.content_type == "application/json":
        return query | _object(await request.text())
    return query | {name: value for name, value in (await request.post()).items() if isinstance(value, str)}


def _object(text: str) -> dict[str, Any]:
    try:
        document = json.loads(text or "{}")
    except ValueError:
        raise RefusedError("invalid_json") from None
    if not isinstance(document, dict):
        raise RefusedError("json_not_object")
    return document
