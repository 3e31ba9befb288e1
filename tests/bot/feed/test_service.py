"""The feed of a running service: it goes where the operator says, and nobody waits for it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection
from structlog.testing import capture_logs

from bot.api import feed_reports
from bot.api.feed_reports import FeedReports
from bot.metrics import Metrics
from bot.settings import read_settings
from store.feed import feed_admin
from store.feed.feed_admin import FeedReport
from tests.bot.service import AUTOMATIC, HARD, AgentApi, open_api
from tests.scheduler.callbacks.receiver import Answer, Receiver, hangs
from tests.scheduler.feed.stations import SECRET, sequences
from tests.store.world import open_world

LOOPBACK = "127.0.0.0/8"


def feed_to(receiver: Receiver, **settings: Any) -> dict[str, Any]:
    given = {"URL": receiver.url(), "SECRET": SECRET, "ALLOW": LOOPBACK, **settings}
    return {f"COUNTERSIGN_FEED_{name}": value for name, value in given.items()}


WITH_FILE = read_settings(_env_file=None, COUNTERSIGN_FEED_FILE="feed.jsonl")


async def posture_of(api: AgentApi) -> Any:
    return (await api.get("/readyz")).body["posture"]["feed"]


async def posture_until(api: AgentApi, fits: Callable[[Any], bool]) -> Any:
    """Ask until the posture fits."""
    async with asyncio.timeout(30):
        while not fits(posture := await posture_of(api)):
            pass
    return posture


async def test_a_package_of_an_agent_arrives_at_the_webhook(
    database_url: str, tmp_path: Path, receiver: Receiver
) -> None:
    async with open_api(database_url, tmp_path, **feed_to(receiver)) as api:
        response = await api.submit(AUTOMATIC)
        await api.claim(response)
        caught_up = {"behind": 0, "lag_seconds": 0, "held": 0, "lost": 0}
        await posture_until(
            api, lambda feed: feed.get("webhook") == caught_up and bool(sequences(receiver, response.id))
        )
        page = (await api.get("/metrics")).text
    places = sequences(receiver, response.id)
    assert places == list(range(1, len(places) + 1))
    assert {got.verify(SECRET)["source"] for got in receiver.got} == {f"urn:countersign:{api.world.tenant_id}"}
    assert 'countersign_feed_events_total{feed="webhook",outcome="delivered"}' in page
    assert 'countersign_feed_behind{feed="webhook"} 0.0' in page


async def test_the_same_events_are_in_the_file(database_url: str, tmp_path: Path, receiver: Receiver) -> None:
    path = tmp_path / "feed.jsonl"
    async with open_api(database_url, tmp_path, **feed_to(receiver, FILE=str(path))) as api:
        response = await api.submit(HARD)
        await posture_until(api, lambda _: bool(sequences(receiver, response.id)) and in_file(path, receiver))


def in_file(path: Path, receiver: Receiver) -> bool:
    lines = path.read_text().splitlines() if path.exists() else []
    return sorted(json.loads(line)["id"] for line in lines) == sorted(receiver.ids())


async def test_an_inner_address_is_called_only_if_the_feeds_own_setting_names_its_network(
    database_url: str, tmp_path: Path, receiver: Receiver
) -> None:
    settings = feed_to(receiver, ALLOW="10.0.0.0/8") | {"COUNTERSIGN_CALLBACK_ALLOW": LOOPBACK}
    async with open_api(database_url, tmp_path, **settings) as api:
        posture = await posture_until(api, lambda feed: {"behind", "trouble"} <= feed["webhook"].keys())
    assert posture["webhook"]["trouble"].endswith(
        "leads to 127.0.0.1, which is inside; COUNTERSIGN_FEED_ALLOW can name networks"
    )
    assert receiver.got == []


async def test_a_network_of_the_feed_is_closed_to_callbacks_of_agents(
    database_url: str, tmp_path: Path, receiver: Receiver
) -> None:
    async with open_api(database_url, tmp_path, **feed_to(receiver)) as api:
        response = await api.submit(AUTOMATIC | {"callback_url": receiver.url("/agent")})
    assert response.problem == (422, "invalid")
    assert response.wrong == ["callback_url"]


TROUBLES: dict[str, Answer | int] = {"fails": 500, "hangs": hangs}


@pytest.mark.parametrize("trouble", TROUBLES)
async def test_receivers_in_trouble_hold_up_no_decision_and_the_service_stays_ready(
    database_url: str, tmp_path: Path, receiver: Receiver, trouble: str
) -> None:
    receiver.answers(*[TROUBLES[trouble]] * 100)
    file = tmp_path / "missing" / "feed.jsonl"
    async with open_api(database_url, tmp_path, **feed_to(receiver, FILE=str(file))) as api:
        await receiver.wait_for(1)
        for _ in range(3):
            response = await api.submit(AUTOMATIC)
            assert (await api.claim(response)).status == 200
        assert (await api.get("/readyz")).status == 200


@pytest.mark.parametrize(("host", "warnings"), [("siem.invalid", ["http://siem.invalid"]), ("127.0.0.1:9", [])])
async def test_the_start_warns_of_http_to_another_machine(
    database_url: str, tmp_path: Path, receiver: Receiver, host: str, warnings: list[str]
) -> None:
    with capture_logs() as logged:
        async with open_api(database_url, tmp_path, **feed_to(receiver, URL=f"http://{host}/events?token=t0ken")):
            pass
    assert [line["address"] for line in logged if line["event"] == "feed.exposed"] == warnings
    assert "t0ken" not in str(logged)


async def test_a_feed_that_could_not_begin_is_no_feed_that_is_off(database_url: str) -> None:
    async with open_world(database_url) as world:
        posture = await FeedReports(WITH_FILE).load_posture(world.store)
    assert posture == {"file": {"trouble": "it has not begun: no process of the feed has reached the database"}}


async def test_without_the_database_the_metrics_of_the_feed_are_no_numbers(database_url: str) -> None:
    metrics = Metrics()
    async with open_world(database_url) as world:
        store = world.store
    await FeedReports(WITH_FILE).write_metrics(store, metrics)
    assert 'countersign_feed_behind{feed="file"} NaN' in metrics.page()[0].decode()


async def test_the_backlog_is_counted_ever_more_rarely_the_longer_it_takes(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first count takes a second, so the next one is ten seconds later."""
    reports, counts = FeedReports(WITH_FILE), list[Connection]()
    clock = iter([100.0, 100.0, 101.0, 110.9, 111.0, 111.0, 111.0])

    def report(connection: Connection) -> list[FeedReport]:
        counts.append(connection)
        return []

    monkeypatch.setattr(feed_reports, "monotonic", lambda: next(clock))
    monkeypatch.setattr(feed_admin, "report_feeds", report)
    async with open_world(database_url) as world:
        for _ in range(3):
            await reports.load_posture(world.store)
    assert (len(counts), list(clock)) == (2, [])


async def test_a_file_that_cannot_be_written_is_named_as_trouble(database_url: str, tmp_path: Path) -> None:
    path = tmp_path / "missing" / "feed.jsonl"
    async with open_api(database_url, tmp_path, COUNTERSIGN_FEED_FILE=str(path)) as api:
        await api.submit(AUTOMATIC)
        posture = await posture_until(api, lambda feed: {"behind", "trouble"} <= feed["file"].keys())
    assert posture["file"]["trouble"].endswith("cannot be written: No such file or directory")
    assert posture["file"]["behind"] > 0


async def test_without_the_settings_there_is_no_feed(api: AgentApi) -> None:
    await api.submit(AUTOMATIC)
    assert await posture_of(api) == {}
