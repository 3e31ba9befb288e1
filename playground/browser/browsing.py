"""The HTTP side of the page: its files, an event stream for each browser, and the acts of people.

Add `Browsing.routes()` to an application. Call `Browsing.close()` before its server waits for open requests, because
streams do not end by themselves.
"""

from __future__ import annotations

from http import HTTPStatus
from pathlib import Path
from typing import Any

from aiohttp import web
from pydantic import ValidationError

from playground.api.socket_mode import Sockets
from playground.browser.acts import ACTS, Act, Context
from playground.browser.condition import SlackCondition
from playground.browser.follower import Follower
from playground.browser.letters import Letters
from playground.browser.own_page import own_page_only
from playground.browser.page_data import PageData
from playground.client.actions import SlackActions
from playground.client.outcomes import Outcome
from playground.mail.mailbox import Mailbox
from playground.model.refusals import NotPossibleError, RefusedError

FOLDER = Path(__file__).parents[1] / "page"
FILES = frozenset(path.name for path in FOLDER.iterdir() if path.is_file())
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


class Browsing:
    def __init__(self, actions: SlackActions, sockets: Sockets, mailbox: Mailbox) -> None:
        self._actions, self._slack, self._mailbox = actions, actions.workspace, mailbox
        self._condition = SlackCondition(actions.workspace, sockets)
        self._followers: set[Follower] = set()
        self._closed = False

    def routes(self) -> list[web.RouteDef]:
        """Complete paths, to be added to an application as they are."""
        return [
            web.get("/playground", self._page),
            web.get("/playground/page/{name}", self._file),
            web.get("/playground/stream", self._stream),
            web.post("/playground/act/{act}", self._act),
            *Letters(self._slack, self._mailbox).routes(),
        ]

    def close(self) -> None:
        """End every stream, and accept no new ones."""
        self._closed = True
        for follower in self._followers:
            follower.end()

    async def _page(self, request: web.Request) -> web.StreamResponse:
        own_page_only(request)
        return web.FileResponse(FOLDER / "index.html", headers=HEADERS)

    async def _file(self, request: web.Request) -> web.StreamResponse:
        own_page_only(request)
        if (name := request.match_info["name"]) not in FILES:
            raise web.HTTPNotFound(text=f"There is no file {name!r} here.")
        return web.FileResponse(FOLDER / name, headers=HEADERS)

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        own_page_only(request)
        if self._closed:
            raise web.HTTPServiceUnavailable(text="The playground is ending.")
        data = PageData(self._slack, request.query.get("as", ""), self._mailbox)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        await response.prepare(request)
        await self._follow(Follower(data), response)
        return response

    async def _follow(self, follower: Follower, response: web.StreamResponse) -> None:
        self._followers.add(follower)
        leave = self._slack.changes.subscribe(follower.note_change)
        try:
            async for event in follower.events():
                await response.write(event)
        except ConnectionResetError:
            pass  # the browser disconnected
        finally:
            leave()
            self._followers.discard(follower)

    async def _act(self, request: web.Request) -> web.StreamResponse:
        own_page_only(request)
        try:
            act = await _parse_act(request)
            self._actions.client.person(act.user)
            outcome = await self._perform(act)
        except ValidationError as fault:
            return _refusal(HTTPStatus.BAD_REQUEST, "invalid", _describe(fault))
        except (NotPossibleError, RefusedError) as refused:
            return _refusal(HTTPStatus.CONFLICT, "not_possible", str(refused))
        return web.json_response(_answer(outcome))

    async def _perform(self, act: Act) -> Outcome | None:
        if self._slack.faults.refusing and act.reaches_slack:
            raise NotPossibleError("Slack is down: nothing that you do reaches it.")
        return await act.perform(Context(self._actions, self._condition, act.user))


async def _parse_act(request: web.Request) -> Act:
    kind = ACTS.get(request.match_info["act"])
    if kind is None:
        raise NotPossibleError(f"Nobody can do {request.match_info['act']!r} here.")
    # Another site could send any other content type without a preflight request.
    if request.content_type != "application/json":
        raise NotPossibleError("An act is sent as application/json.")
    return kind.model_validate_json(await request.read())


def _describe(fault: ValidationError) -> str:
    return "; ".join(f"{'.'.join(map(str, error['loc'])) or 'the act'}: {error['msg']}" for error in fault.errors())


def _refusal(status: HTTPStatus, error: str, why: str) -> web.Response:
    return web.json_response({"ok": False, "error": error, "why": why}, status=status)


def _answer(outcome: Outcome | None) -> dict[str, Any]:
    if outcome is None:
        return {"ok": True, "error": None, "errors": {}}
    return {"ok": outcome.error is None, "error": outcome.error, "errors": dict(outcome.errors), "body": outcome.body}
