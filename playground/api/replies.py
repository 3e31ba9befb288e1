"""The way of every request into Slack: what befalls it, what is answered, and what is remembered of it."""

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
    """`page` is what stands there instead of JSON, as from a server that is not well."""

    answer: Mapping[str, Any]
    status: int = HTTPStatus.OK
    headers: Mapping[str, str] = field(default_factory=dict)
    page: str | None = None
    content_type: str = "text/html"

    def response(self) -> web.StreamResponse:
        if self.page is not None:
            return web.Response(text=self.page, status=self.status, content_type=self.content_type)
        return web.json_response(self.answer, status=self.status, headers=self.headers)


def limited(seconds: int) -> Reply:
    answer = {"ok": False, "error": "ratelimited"}
    return Reply(answer, HTTPStatus.TOO_MANY_REQUESTS, {"Retry-After": str(seconds)})


async def served(
    slack: Workspace, request: web.Request, method: str, run: Callable[[Arguments], Reply]
) -> web.StreamResponse:
    if slack.faults.refusing:
        return cut(request)
    befalling = slack.faults.befalling(method)
    for fault in befalling:
        await _delayed(fault)
    try:
        arguments = await arguments_of(request)
        reply = _befallen(slack, befalling) or run(arguments)
    except RefusedError as refused:
        arguments, reply = {}, Reply(refused.answer())
    reply = _hidden(befalling, reply)
    kept = {name: value for name, value in arguments.items() if name != "token"}
    slack.record(method, kept, reply.status, reply.answer)
    if any(fault.lost for fault in befalling):
        return cut(request)
    if any(fault.broken_off for fault in befalling):
        return await _broken_off(request, reply)
    return reply.response()


async def _delayed(fault: Fault) -> None:
    if fault.gate:
        await fault.gate.passed()
    if fault.seconds:
        await asyncio.sleep(fault.seconds)


def _befallen(slack: Workspace, befalling: list[Fault]) -> Reply | None:
    """The first fault that answers instead of Slack."""
    for fault in befalling:
        if fault.error == "ratelimited":
            return limited(slack.faults.limited_for(fault))
        if fault.status:
            answer = {"ok": False, "error": f"HTTP {fault.status}"}
            return Reply(answer, fault.status, page=fault.page, content_type=fault.content_type)
        if fault.error and not fault.carried_out:
            return Reply(_error(fault))
    return None


def _hidden(befalling: list[Fault], reply: Reply) -> Reply:
    """What was carried out, and is answered as if it had failed."""
    for fault in befalling:
        if fault.error and fault.carried_out:
            return Reply(_error(fault))
    return reply


def _error(fault: Fault) -> dict[str, Any]:
    return {"ok": False, "error": fault.error, **fault.fields}


def cut(request: web.Request) -> web.StreamResponse:
    """No answer at all: the connection ends."""
    if request.transport:
        request.transport.abort()
    return web.Response()


async def _broken_off(request: web.Request, reply: Reply) -> web.StreamResponse:
    """The head of the answer and the beginning of its body: then the connection ends."""
    response = web.StreamResponse(status=reply.status, headers={"Content-Length": "1000"})
    response.content_type = reply.content_type
    await response.prepare(request)
    await response.write(b'{"ok": ')
    return cut(request)


async def arguments_of(request: web.Request) -> dict[str, Any]:
    """From the address, and from a body of either kind: Slack takes both at once, and slack_sdk uses that."""
    query = dict(request.query)
    if request.method == "GET":
        return query
    if request.content_type == "application/json":
        return query | _object(await request.text())
    return query | {name: value for name, value in (await request.post()).items() if isinstance(value, str)}


def _object(text: str) -> dict[str, Any]:
    try:
        given = json.loads(text or "{}")
    except ValueError:
        raise RefusedError("invalid_json") from None
    if not isinstance(given, dict):
        raise RefusedError("json_not_object")
    return given
