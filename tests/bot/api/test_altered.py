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
from store.packages.verified_content import VerifiedContent
from tests.bot.service import HARD, Desk, Response
from tests.rules.world import SENTA

EDITED = {"record": "99999"}


@pytest.fixture
async def approved(desk: Desk) -> Response:
    response = await desk.submit(HARD)
    await desk.decide(Approve, response, by=SENTA)
    return await desk.read(response)


def edit(desk: Desk, response: Response, change: str, **values: Any) -> None:
    """Change the database directly, as someone with its password can."""
    engine = make_engine(parse_database_url(desk.running.service.settings.database_url))
    try:
        transact(engine, lambda connection: connection.execute(text(change), {"package": response.id, **values}))
    finally:
        engine.dispose()


def without_the_trigger(desk: Desk, response: Response) -> None:
    on = "" if desk.running.service.settings.database_url.startswith("sqlite") else " ON content"
    edit(desk, response, f"DROP TRIGGER content_emptied_only{on}")


def with_other_parameters(desk: Desk, response: Response) -> None:
    package = json.dumps({"package": HARD | {"action_parameters": EDITED}})
    edit(desk, response, "UPDATE content SET words = :words WHERE package_id = :package", words=package)


async def test_edited_content_is_withheld_and_cannot_be_claimed(desk: Desk, approved: Response) -> None:
    assert approved.body["decision"]["action_parameters"] == HARD["action_parameters"]
    without_the_trigger(desk, approved)
    with_other_parameters(desk, approved)
    read = await desk.read(approved)
    assert (read.body["may_proceed"], read.body["decision"]["action_parameters"]) == (False, None)
    assert "99999" not in (await desk.get("/v1/packages")).text
    assert (await desk.claim(approved)).problem == (409, "content-unreadable")
    assert (await desk.read(approved)).body["execution"]["state"] == "none"


@pytest.mark.parametrize("words", ["{", "[]", '"x"', '{"package": {}}'])
async def test_malformed_content_is_withheld(desk: Desk, approved: Response, words: str) -> None:
    without_the_trigger(desk, approved)
    edit(desk, approved, "UPDATE content SET words = :words WHERE package_id = :package", words=words)
    assert (await desk.claim(approved)).problem == (409, "content-unreadable")


async def test_a_process_checks_unseen_content_against_its_event(
    desk: Desk, approved: Response, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("store.packages.content.VERIFIED", VerifiedContent())
    assert (await desk.read(approved)).body == approved.body
    monkeypatch.setattr("store.packages.content.VERIFIED", VerifiedContent())
    without_the_trigger(desk, approved)
    with_other_parameters(desk, approved)
    assert (await desk.claim(approved)).problem == (409, "content-unreadable")


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
    desk: Desk, approved: Response, change: str
) -> None:
    with pytest.raises(DBAPIError, match="content can be emptied, and not changed"):
        edit(desk, approved, change)
    edit(desk, approved, "UPDATE content SET words = NULL, salt = NULL WHERE package_id = :package")
    with pytest.raises(DBAPIError, match="content can be emptied, and not changed"):
        with_other_parameters(desk, approved)


async def test_content_is_checked_only_once(desk: Desk, approved: Response, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def counted(_: Connection, __: str, event_ids: list[str]) -> dict[str, str | None]:
        asked.extend(event_ids)
        return {}

    monkeypatch.setattr("store.packages.content.load_content_digests", counted)
    for _ in range(3):
        assert (await desk.read(approved)).body["may_proceed"] is True
    assert (await desk.claim(approved)).status == 200
    assert asked == []
