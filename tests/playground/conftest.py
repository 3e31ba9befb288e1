"""A workspace with a few people, a client of its Web API, and an app that it calls."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from playground.slack import Slack, stand_in
from tests.playground.app import bolt, serving
from tests.playground.manual_clock import ManualClock


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def slack(clock: ManualClock) -> AsyncIterator[Slack]:
    async with stand_in(clock=clock) as slack:
        slack.add_person("UANN", "ann", email="ann@example.org")
        slack.add_person("UBEN", "ben", email="ben@example.org")
        slack.add_person("UGUS", "gus", guest="single")
        slack.add_person("USTR", "stranger", email="str@example.net", stranger=True)
        slack.add_channel("C1", "general", members=["UANN", "UBEN", "UGUS"])
        slack.add_channel("CEXT", "partners", members=["UANN", "USTR"], shared=True)
        slack.add_group("S1", ["UANN", "USTR"], handle="reviewers")
        yield slack


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def client(slack: Slack, session: aiohttp.ClientSession) -> AsyncWebClient:
    return AsyncWebClient(slack.bot_token, base_url=slack.api_url, session=session, retry_handlers=[])


@pytest.fixture
async def app(slack: Slack, session: aiohttp.ClientSession) -> AsyncIterator[AsyncApp]:
    """The test adds listeners; the app is reachable from the start."""
    app = bolt(slack, session)
    async with serving(app) as url:
        slack.app_at(url)
        yield app
