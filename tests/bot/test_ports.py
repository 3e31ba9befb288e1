"""With an agents' port, agents reach only their API there; Slack and operators use the other port."""

from __future__ import annotations

from pathlib import Path

import aiohttp
import pytest
from yarl import URL

from bot.settings import SettingsError, read_settings
from tests.bot.slack.office import RITA, SOFT, open_office

ROUTES = {"/v1/packages", "/slack/events", "/metrics", "/readyz", "/healthz", "/docs", "/openapi.json"}
EVERYWHERE = {"/healthz", "/docs", "/openapi.json"}


async def reachable_paths(url: str, key: str) -> set[str]:
    paths = set()
    async with aiohttp.ClientSession(url, headers={"Authorization": f"Bearer {key}"}) as http:
        for path in ROUTES:
            async with http.get(path) as answer:
                paths |= {path} if answer.status != 404 else set()
    return paths


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_the_agents_port_serves_only_the_agents_api(database_url: str, tmp_path: Path) -> None:
    async with open_office(database_url, tmp_path, COUNTERSIGN_AGENTS_PORT=0) as office:
        assert await reachable_paths(office.running.agents_url, office.key) == {"/v1/packages"} | EVERYWHERE
        assert (
            await reachable_paths(office.running.url, office.key)
            == {"/slack/events", "/metrics", "/readyz"} | EVERYWHERE
        )
        response = await office.call("POST", URL(f"{office.running.agents_url}/v1/packages"), json=SOFT)
        assert response.status == 202
        assert (await office.slack.command(RITA, "/reviews", "queue")).ok


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_without_an_agents_port_all_routes_are_on_one_port(database_url: str, tmp_path: Path) -> None:
    async with open_office(database_url, tmp_path) as office:
        assert office.running.agents_url == office.running.url
        assert await reachable_paths(office.running.url, office.key) == ROUTES


def test_the_two_ports_must_differ() -> None:
    with pytest.raises(SettingsError, match="COUNTERSIGN_AGENTS_PORT: must differ from COUNTERSIGN_PORT"):
        read_settings(_env_file=None, COUNTERSIGN_PORT=9000, COUNTERSIGN_AGENTS_PORT=9000)
