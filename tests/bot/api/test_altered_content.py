"""Content that someone edits in the database is not released: not to a claim, and not in a document."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from rules.state.commands import Approve
from store.engine.address import parse_database_url
from store.engine.engines import make_engine, transact
from store.engine.verified_content import VerifiedContent
from tests.bot.service import HARD, AgentApi, Response
from tests.rules.world import SENTA

EDITED = {"record": "99999"}


@pytest.fixture
async def approved_package(api: AgentApi) -> Response:
    response = await api.submit(HARD)
    await api.decide(Approve, response, by=SENTA)
    return await api.read(response)


def edit(api: AgentApi, response: Response, change: str, **values: Any) -> None:
    """Change the database directly, as someone with its password can."""
    engine = make_engine(parse_database_url(api.running.service.settings.database_url))
    try:
        transact(engine, lambda connection: connection.execute(text(change), {"package": response.id, **values}))
    finally:
        engine.dispose()


def without_the_trigger(api: AgentApi, response: Response) -> None:
    on = "" if api.running.service.settings.database_url.startswith("sqlite") else " ON content"
    edit(api, response, f"DROP TRIGGER content_emptied_only{on}")


def with_other_parameters(api: AgentApi, response: Response) -> None:
    package = json.dumps({"package": HARD | {"action_parameters": EDITED}})
    edit(api, response, "UPDATE content SET words = :words WHERE package_id = :package", words=package)


async def test_edited_content_is_withheld_and_cannot_be_claimed(api: AgentApi, approved_package: Response) -> None:
    assert approved_package.body["decision"]["action_parameters"] == HARD["action_parameters"]
    without_the_trigger(api, approved_package)
    with_other_parameters(api, approved_package)
    read = await api.read(approved_package)
    assert (read.body["may_proceed"], read.body["decision"]["action_parameters"]) == (False, None)
    assert "99999" not in (await api.get("/v1/packages")).text
    assert (await api.claim(approved_package)).problem == (409, "content-unreadable")
    assert (await api.read(approved_package)).body["execution"]["state"] == "none"


@pytest.mark.parametrize("words", ["{", "[]", '"x"', '{"package": {}}'])
async def test_malformed_content_is_withheld(api: AgentApi, approved_package: Response, words: str) -> None:
    without_the_trigger(api, approved_package)
    edit(api, approved_package, "UPDATE content SET words = :words WHERE package_id = :package", words=words)
    assert (await api.claim(approved_package)).problem == (409, "content-unreadable")


async def test_a_process_checks_unseen_content_against_its_event(
    api: AgentApi, approved_package: Response, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("store.packages.content.VERIFIED", VerifiedContent())
    assert (await api.read(approved_package)).body == approved_package.body
    monkeypatch.setattr("store.packages.content.VERIFIED", VerifiedContent())
    without_the_trigger(api, approved_package)
    with_other_parameters(api, approved_package)
    assert (await api.claim(approved_package)).problem == (409, "content-unreadable")


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE content SET words = '{}' WHERE package_id = :package",
        "UPDATE content SET words = NULL WHERE package_id = :package",
        "UPDATE content SET words = NULL, salt = NULL, event_id = 'x' WHERE package_id = :package",
        "DELETE FROM content WHERE package_id = :package",
    ],
    ids=["other words", "the words without their salt", "of another event", "the row"],
)
async def test_the_database_allows_emptying_content_and_no_other_change(
    api: AgentApi, approved_package: Response, change: str
) -> None:
    with pytest.raises(DBAPIError, match="content can be emptied, and not changed"):
        edit(api, approved_package, change)
    edit(api, approved_package, "UPDATE content SET words = NULL, salt = NULL WHERE package_id = :package")
    with pytest.raises(DBAPIError, match="content can be emptied, and not changed"):
        with_other_parameters(api, approved_package)


async def test_content_is_checked_only_once(
    api: AgentApi, approved_package: Response, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def record_and_load(_: Connection, __: str, event_ids: list[str]) -> dict[str, str | None]:
        asked.extend(event_ids)
        return {}

    monkeypatch.setattr("store.packages.content.load_content_digests", record_and_load)
    for _ in range(3):
        assert (await api.read(approved_package)).body["may_proceed"] is True
    assert (await api.claim(approved_package)).status == 200
    assert asked == []
