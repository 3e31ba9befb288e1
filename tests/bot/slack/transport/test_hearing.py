"""Whether clicks can reach a process over HTTP, as far as it knows."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot.slack.transport.http_transport import HttpTransport
from bot.slack.transport.probe import Prober
from tests.rules.world import MINUTE
from tests.store.world import World, open_world

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


class _Prober(Prober):
    """The network between the public address and the process. `broken`: why nothing comes back in."""

    def __init__(self) -> None:
        super().__init__("https://countersign.example.com", "secret")
        self.broken: str | None = None
        self.transport: HttpTransport
        self.count = 0

    async def send(self, nonce: str) -> str | None:
        self.count += 1
        if self.broken is None:
            await self.transport.probe_arrived(nonce)
        return self.broken


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with open_world(database_url) as opened:
        yield opened


def _start(world: World, *, broken: str | None = None) -> tuple[HttpTransport, _Prober]:
    prober = _Prober()
    prober.broken = broken
    prober.transport = HttpTransport(world.store, prober)
    return prober.transport, prober


async def test_it_is_noticed_that_no_click_arrives_while_only_explicit_approvals_wait(world: World) -> None:
    transport, prober = _start(world)
    await transport.prove(wanted=False, again=False, pending=True)
    before, prober.broken = transport.hears, "connection refused"
    world.clock.passes(MINUTE)
    await transport.prove(wanted=False, again=False, pending=True)
    assert (before, transport.hears) == (True, False)


async def test_no_probe_is_sent_while_nothing_waits(world: World) -> None:
    transport, prober = _start(world)
    for _ in range(5):
        await transport.prove(wanted=False, again=False, pending=False)
        world.clock.passes(MINUTE)
    assert prober.count == 1


async def test_a_process_whose_probes_have_never_arrived_does_not_know_whether_clicks_do(world: World) -> None:
    """It started during the outage, or its network lets no request of its own back in."""
    transport, _ = _start(world, broken="connection refused")
    await transport.prove(wanted=True, again=False, pending=True)
    assert transport.hears is None
