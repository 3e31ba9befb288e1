"""What the demo prints is enough to connect an agent of your own: a key, a command that posts, and where to look."""

from __future__ import annotations

import asyncio
import json
import re

from aiohttp import web
from standardwebhooks.webhooks import Webhook

from bot.demo.running import EXAMPLE, welcome
from rules.state.commands import Verb
from tests.bot.demo.visitor import RITA, Visitor


async def run_shell(script: str) -> str:
    process = await asyncio.create_subprocess_exec(
        "sh", "-euc", script, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await process.communicate()
    assert process.returncode == 0, err
    return out.decode()


async def test_the_printed_commands_post_a_package_and_its_card_appears_in_reviews(visitor: Visitor) -> None:
    printed = welcome(f"{visitor.demo.url}/playground", visitor.demo, "data")
    export, post = re.findall(r"(export KEY=\S+|curl -s .+)", printed)
    document = json.loads(await run_shell(f"{export}\n{post}"))
    assert document["status"] == "pending"
    card = await visitor.card("Refund order 456")
    assert card in visitor.slack.messages("C0REVIEWS")
    assert visitor.demo.own_agent.callback_secret in printed


async def test_an_own_agent_is_called_back_on_this_machine_with_the_printed_secret(visitor: Visitor) -> None:
    received: asyncio.Queue[tuple[bytes, dict[str, str]]] = asyncio.Queue()

    async def receive(request: web.Request) -> web.Response:
        await received.put((await request.read(), dict(request.headers)))
        return web.Response()

    app = web.Application()
    app.add_routes([web.post("/", receive)])
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        address = f"http://127.0.0.1:{runner.addresses[0][1]}/"
        package = json.loads(EXAMPLE) | {"callback_url": address}
        headers = {"Authorization": f"Bearer {visitor.demo.own_agent.key}"}
        async with visitor.http.post("/v1/packages", json=package, headers=headers) as answer:
            assert answer.status == 202
        await visitor.give(RITA, await visitor.card("Refund order 456"), Verb.APPROVE)
        async with asyncio.timeout(20):
            body, signed = await received.get()
    finally:
        await runner.cleanup()
    assert Webhook(visitor.demo.own_agent.callback_secret).verify(body, signed)["type"] == "package.approved"


async def test_the_bare_address_leads_to_the_playground(visitor: Visitor) -> None:
    async with visitor.http.get("/", allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (302, "/playground")
