"""A callback is accepted only if the service signed it recently, and the handlers answer with the right status."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from aiohttp import web
from fastapi import FastAPI
from standardwebhooks import Webhook

from countersign import Approved, CallbackError, ConfigurationError
from countersign.aiohttp import callback_handler
from countersign.callbacks import MAX_BODY, Callback, verify_callback
from countersign.fastapi import callback_endpoint
from rules.state.commands import Approve
from store.agents import agent_admin
from tests.bot.service import SOFT, open_api
from tests.rules.world import OWEN, RITA
from tests.sdk.agents import Agent

SECRET = "whsec_" + base64.b64encode(b"a secret of thirty-two bytes ...").decode()
OTHER = "whsec_" + base64.b64encode(b"another one of thirty-two bytes.").decode()
Receiver = Callable[[Callback], Awaitable[None]]


def signed_callback(
    document: Any, secret: str = SECRET, sent_at: datetime | None = None
) -> tuple[bytes, dict[str, str]]:
    """A callback signed by an independent library."""
    sent_at = sent_at or datetime.now(UTC)
    body = json.dumps({"type": "package.approved", "timestamp": sent_at.isoformat(), "data": document})
    timestamp = str(int(sent_at.timestamp()))
    signature = Webhook(secret).sign("msg_1", sent_at, body)
    return body.encode(), {"webhook-id": "msg_1", "webhook-timestamp": timestamp, "webhook-signature": signature}


@pytest.fixture
async def document(agent: Agent) -> Any:
    handle = await agent.request()
    await agent.approve_and_wait(handle)
    return handle.document


def test_a_callback_about_a_thread_has_no_outcome() -> None:
    held: Any = {"thread_id": "case-1", "state": "held"}
    callback = Callback(id="msg_1", type="thread.held", timestamp=datetime.now(UTC), document=held)
    assert callback.outcome is None


@pytest.mark.parametrize("agent", ["async"], indirect=True)
async def test_a_callback_that_the_service_signed_is_accepted(document: Any) -> None:
    body, headers = signed_callback(document)
    callback = verify_callback(body, headers, SECRET)
    assert (callback.id, callback.type) == ("msg_1", "package.approved")
    assert isinstance(callback.outcome, Approved)


def test_header_names_are_case_insensitive() -> None:
    body, headers = signed_callback({})
    assert verify_callback(body, {name.title(): value for name, value in headers.items()}, SECRET).id == "msg_1"


def test_both_secrets_are_accepted_while_a_secret_is_replaced() -> None:
    body, headers = signed_callback({}, OTHER)
    both = {
        **headers,
        "webhook-signature": f"{signed_callback({})[1]['webhook-signature']} {headers['webhook-signature']}",
    }
    assert verify_callback(body, headers, [SECRET, OTHER]).id == "msg_1"
    assert verify_callback(body, both, OTHER).id == "msg_1"


FORGERIES: dict[str, Callable[[bytes, dict[str, str]], tuple[bytes, dict[str, str]]]] = {
    "another body": lambda body, headers: (body.replace(b"approved", b"rejected"), headers),
    "another id": lambda body, headers: (body, headers | {"webhook-id": "msg_2"}),
    "no signature": lambda body, headers: (body, {k: v for k, v in headers.items() if k != "webhook-signature"}),
    "an empty signature": lambda body, headers: (body, headers | {"webhook-signature": "v1,"}),
    "garbage": lambda body, headers: (body, headers | {"webhook-signature": "v1,\u00e9 v2,abc \x00"}),
    "another version": lambda body, headers: (
        body,
        headers | {"webhook-signature": "v1a" + headers["webhook-signature"]},
    ),
    "a time that is not a number": lambda body, headers: (body, headers | {"webhook-timestamp": "now"}),
    "another time": lambda body, headers: (body, headers | {"webhook-timestamp": str(int(time.time()) + 1)}),
    "a time with 5000 digits": lambda body, headers: (body, headers | {"webhook-timestamp": "9" * 5000}),
    "a signature that is not text": lambda body, headers: (body, headers | {"webhook-signature": "v1,\udcff"}),
    "an id that is not text": lambda body, headers: (body, headers | {"webhook-id": "\udcff"}),
    "no headers": lambda body, _: (body, {}),
}


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES)
def test_a_forged_callback_is_refused(forge: Callable[..., tuple[bytes, dict[str, str]]]) -> None:
    body, headers = forge(*signed_callback({}))
    with pytest.raises(CallbackError):
        verify_callback(body, headers, SECRET)


def test_a_callback_signed_with_another_secret_is_refused() -> None:
    with pytest.raises(CallbackError, match="its signature is wrong"):
        verify_callback(*signed_callback({}, OTHER), SECRET)


@pytest.mark.parametrize("seconds", [-301, 301])
def test_a_callback_that_is_too_old_or_from_the_future_is_refused(seconds: int) -> None:
    body, headers = signed_callback({})
    with pytest.raises(CallbackError, match="too far from the present"):
        verify_callback(body, headers, SECRET, now=time.time() + seconds)


@pytest.mark.parametrize("body", ["", "null", "[]", "{}", '{"type": "a", "timestamp": 5, "data": {}}', "{" * 900])
def test_a_signed_body_that_is_not_a_callback_raises_a_callback_error(body: str) -> None:
    now = datetime.now(UTC)
    signature = Webhook(SECRET).sign("msg_1", now, body)
    headers = {"webhook-id": "msg_1", "webhook-timestamp": str(int(now.timestamp())), "webhook-signature": signature}
    with pytest.raises(CallbackError, match="not a callback"):
        verify_callback(body.encode(), headers, SECRET)


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_%%%", ["whsec_"]])
def test_an_unusable_secret_raises_a_configuration_error(monkeypatch: pytest.MonkeyPatch, secret: Any) -> None:
    monkeypatch.delenv("COUNTERSIGN_CALLBACK_SECRET", raising=False)
    with pytest.raises(ConfigurationError, match="countersign agents add"):
        verify_callback(*signed_callback({}), secret)


def test_the_secret_defaults_to_the_environment_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COUNTERSIGN_CALLBACK_SECRET", SECRET)
    assert verify_callback(*signed_callback({})).id == "msg_1"


@asynccontextmanager
async def serve_aiohttp(receive: Receiver, secret: str = SECRET) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_post("/countersign", callback_handler(receive, secret))
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/countersign"
    await runner.cleanup()


class Server(uvicorn.Server):
    """A server that sets `up` when it has started."""

    def __init__(self, app: FastAPI) -> None:
        super().__init__(uvicorn.Config(app, port=0, log_level="critical", lifespan="off"))
        self.up = asyncio.Event()

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        self.up.set()


@asynccontextmanager
async def serve_fastapi(receive: Receiver) -> AsyncIterator[str]:
    app = FastAPI()
    app.add_api_route("/countersign", callback_endpoint(receive, SECRET), methods=["POST"])
    server = Server(app)
    serving = asyncio.ensure_future(server.serve())
    await server.up.wait()
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/countersign"
    server.should_exit = True
    await serving


@pytest.mark.parametrize("serve", [serve_aiohttp, serve_fastapi], ids=["aiohttp", "FastAPI"])
async def test_a_handler_accepts_signed_callbacks_only(serve: Any) -> None:
    received: list[str] = []

    async def receive(callback: Callback) -> None:
        received.append(callback.id)

    async with serve(receive) as url, httpx.AsyncClient() as http:
        body, headers = signed_callback({})
        assert (await http.post(url, content=body, headers=headers)).status_code == 204
        assert (await http.post(url, content=body)).status_code == 401
        assert (await http.post(url, content=b"x" * (MAX_BODY + 1), headers=headers)).status_code == 413
    assert received == ["msg_1"]


@pytest.mark.parametrize("serve", [serve_aiohttp, serve_fastapi], ids=["aiohttp", "FastAPI"])
async def test_a_handler_answers_500_if_the_agent_raises(serve: Any) -> None:
    async def receive(_: Callback) -> None:
        raise ConnectionError("the agent's own database is away")

    async with serve(receive) as url, httpx.AsyncClient() as http:
        body, headers = signed_callback({})
        assert (await http.post(url, content=body, headers=headers)).status_code == 500


async def test_a_callback_of_the_real_service_is_accepted(database_url: str, tmp_path: Path) -> None:
    callbacks: asyncio.Queue[Callback] = asyncio.Queue()
    async with open_api(database_url, tmp_path, COUNTERSIGN_CALLBACK_ALLOW="127.0.0.0/8") as api:
        agent = await api.world.write(lambda connection: agent_admin.add_agent(connection, "Teller", OWEN, api.clock()))
        async with serve_aiohttp(callbacks.put, agent.callback_secret) as url:
            package = await api.submit(SOFT | {"callback_url": url}, key=agent.key)
            await api.decide(Approve, package, by=RITA)
            async with asyncio.timeout(30):
                callback = await callbacks.get()
        assert callback.document == (await api.call("GET", f"/v1/packages/{package.id}", agent.key)).body
    assert (callback.type, type(callback.outcome)) == ("package.approved", Approved)
