"""Reading packages: one, one as soon as it changes, all of them, and their events."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest

from rules.record.chain import event_digest
from rules.state.commands import Approve, Comment, OpenDetails
from store.waiters import Waiter
from tests.bot.service import AUTOMATIC, CRITICAL, HARD, SOFT, Desk, Response
from tests.rules.world import RITA, SENTA, SUSI


async def waiting(desk: Desk, response: Response, **options: Any) -> asyncio.Task[Response]:
    """A long poll that has begun: it is known to wait, not hoped to."""
    begun, news = asyncio.Event(), Waiter.woken

    async def noticed(waiter: Waiter) -> None:
        begun.set()
        await news(waiter)

    with patch.object(Waiter, "woken", noticed):
        poll = asyncio.create_task(desk.read(response, **options))
        await asyncio.wait([poll, asyncio.create_task(begun.wait())], return_when=asyncio.FIRST_COMPLETED)
    assert not poll.done()
    return poll


async def within(seconds: float, awaited: Coroutine[Any, Any, Response] | asyncio.Task[Response]) -> Response:
    async with asyncio.timeout(seconds):
        return await awaited


async def test_a_package_is_read_as_it_is(desk: Desk) -> None:
    response = await desk.submit()
    read = await desk.read(response)
    assert (read.status, read.body, read.headers["ETag"]) == (200, response.body, '"1"')


@pytest.mark.parametrize("tag", ['"1"', 'W/"1"'])
async def test_a_revision_that_the_agent_has_is_not_sent_again(desk: Desk, tag: str) -> None:
    response = await desk.submit()
    read = await desk.read(response, headers={"If-None-Match": tag})
    assert (read.status, read.text, read.headers["ETag"]) == (304, "", '"1"')


async def test_a_decision_releases_who_waits(desk: Desk) -> None:
    response = await desk.submit()
    poll = await waiting(desk, response, params={"wait": 30}, headers={"If-None-Match": response.headers["ETag"]})
    await desk.decide(Approve, response, by=RITA)
    released = await within(10, poll)
    assert (released.body["status"], released.body["may_proceed"]) == ("approved", True)
    assert released.headers["ETag"] != response.headers["ETag"]


async def test_who_names_no_revision_is_released_by_any_change(desk: Desk) -> None:
    response = await desk.submit()
    poll = await waiting(desk, response, params={"wait": 30})
    await desk.decide(Comment, response, by=RITA)
    released = await within(10, poll)
    assert (released.body["status"], released.body["revision"]) == ("pending", 2)


async def test_one_vote_of_two_is_a_change(desk: Desk) -> None:
    response = await desk.submit(CRITICAL)
    await desk.decide(OpenDetails, response, by=SUSI)
    poll = await waiting(desk, response, params={"wait": 30})
    await desk.decide(Approve, response, by=SUSI)
    released = await within(10, poll)
    assert (released.body["status"], released.body["interrupt"]["quorum"]["have"]) == ("pending", 1)


async def test_an_older_revision_is_answered_at_once(desk: Desk) -> None:
    response = await desk.submit()
    await desk.decide(Comment, response, by=RITA)
    read = await within(10, desk.read(response, params={"wait": 30}, headers={"If-None-Match": '"1"'}))
    assert read.body["revision"] == 2


async def test_what_is_settled_is_told_at_once_to_who_names_no_revision(desk: Desk) -> None:
    response = await desk.submit(AUTOMATIC)
    assert (await within(10, desk.read(response, params={"wait": 30}))).body["terminal"] is True


async def test_who_knows_the_settled_state_waits_for_what_follows_it(desk: Desk) -> None:
    response = await desk.submit(AUTOMATIC)
    poll = await waiting(desk, response, params={"wait": 30}, headers={"If-None-Match": response.headers["ETag"]})
    await desk.claim(response)
    assert (await within(10, poll)).body["execution"]["state"] == "claimed"


async def test_when_time_is_up_nothing_is_sent_again_to_who_has_it(desk: Desk) -> None:
    response = await desk.submit()
    waited = {"wait": 0.05}
    known = await desk.read(response, params=waited, headers={"If-None-Match": response.headers["ETag"]})
    assert (known.status, known.text) == (304, "")
    assert (await desk.read(response, params=waited)).body == response.body


@pytest.mark.parametrize("tag", ['W/"1"', "1", '"1"'])
async def test_the_revision_may_be_written_as_proxies_write_it(desk: Desk, tag: str) -> None:
    response = await desk.submit()
    await desk.decide(Comment, response, by=RITA)
    read = await within(10, desk.read(response, params={"wait": 30}, headers={"If-None-Match": tag}))
    assert read.body["revision"] == 2


@pytest.mark.parametrize("tag", ["*", '"abc"', '""', '"1", "2"', '"-1"', '"99999999999999999999"', "ü"])
async def test_a_tag_that_is_none_of_ours_is_as_good_as_none(desk: Desk, tag: str) -> None:
    response = await desk.submit()
    assert (await desk.read(response, params={"wait": 0.01}, headers={"If-None-Match": tag})).status == 200


@pytest.mark.parametrize("wait", ["-1", "31", "NaN", "inf", "1e999", "x", "", "٣"])
async def test_a_wait_that_cannot_be_is_refused(desk: Desk, wait: str) -> None:
    response = await desk.submit()
    assert (await desk.read(response, params={"wait": wait})).wrong == ["query.wait"]


async def test_a_package_that_is_not_there_is_not_waited_for(desk: Desk) -> None:
    response = await within(10, desk.get("/v1/packages/pkg_0", params={"wait": 30}))
    assert response.problem == (404, "not-found")


async def test_packages_are_listed_newest_first_page_by_page(desk: Desk) -> None:
    submitted = []
    for number in range(5):
        desk.clock.passes(timedelta(seconds=number % 2))  # two of them at the same instant
        submitted.append((await desk.submit(SOFT | {"run_id": f"run {number}"})).id)
    seen: list[str] = []
    query: dict[str, Any] = {"limit": 2}
    for _ in range(3):
        page = (await desk.get("/v1/packages", params=query)).body
        seen += [package["decision_package_id"] for package in page["packages"]]
        query["cursor"] = page["next_cursor"]
    assert (sorted(seen), query["cursor"]) == (sorted(submitted), None)
    assert submitted[-1] in seen[:2]


@pytest.mark.parametrize("cursor", ["0-pkg_0", "9999999999999999-pkg_zzz"])
async def test_a_place_where_nothing_is_is_a_place_too(desk: Desk, cursor: str) -> None:
    response = await desk.submit()
    listed = [
        package["decision_package_id"] for package in (await desk.get(f"/v1/packages?cursor={cursor}")).body["packages"]
    ]
    assert listed == [response.id][: int(cursor[0])]


async def test_what_comes_in_meanwhile_moves_no_page(desk: Desk) -> None:
    first = await desk.submit()
    desk.clock.passes(timedelta(seconds=1))
    await desk.submit()
    page = (await desk.get("/v1/packages", params={"limit": 1})).body
    desk.clock.passes(timedelta(seconds=1))
    await desk.submit()
    rest = (await desk.get("/v1/packages", params={"cursor": page["next_cursor"]})).body
    assert [package["decision_package_id"] for package in rest["packages"]] == [first.id]


async def test_a_listing_can_be_narrowed(desk: Desk) -> None:
    await desk.submit(AUTOMATIC | {"thread_id": "a b"})
    other = await desk.submit(HARD | {"thread_id": "other", "action_type": "payment.send"})
    for query in ({"status": "pending"}, {"thread_id": "other"}, {"action_type": "payment.send"}):
        listed = (await desk.get("/v1/packages", params=query)).body["packages"]
        assert [package["decision_package_id"] for package in listed] == [other.id]
    assert (await desk.get("/v1/packages", params={"status": "rejected"})).body["packages"] == []


@pytest.mark.parametrize(
    ("query", "wrong"),
    [
        ("status=no", "query.status"),
        ("limit=0", "query.limit"),
        ("limit=101", "query.limit"),
        ("limit=1e2", "query.limit"),
        ("limit=99999999999999999999999", "query.limit"),
        ("cursor=x", "query.cursor"),
        ("cursor=%00", "query.cursor"),
        ("cursor=-1-pkg_0", "query.cursor"),
        ("cursor=99999999999999999-pkg_0", "query.cursor"),
        ("cursor=" + "A" * 300, "query.cursor"),
        ("thread_id=%00", "query.thread_id"),
        ("thread_id=" + "t" * 201, "query.thread_id"),
        ("action_type=a%20b", "query.action_type"),
        ("limit=1&limit=2", "query.limit"),
        ("colour=red", "query.colour"),
        ("status=", "query.status"),
    ],
)
async def test_a_query_that_cannot_be_is_refused_by_its_name(desk: Desk, query: str, wrong: str) -> None:
    response = await desk.get(f"/v1/packages?{query}")
    assert (response.problem, response.wrong) == ((422, "invalid"), [wrong])


async def test_events_are_a_chain_oldest_first(desk: Desk) -> None:
    response = await desk.submit(HARD)
    await desk.decide(Approve, response, by=SENTA)
    await desk.claim(response)
    events = (await desk.get(f"/v1/packages/{response.id}/events")).body["events"]
    assert [event["event_type"] for event in events] == [
        "package.submitted",
        "human.decision_recorded",
        "package.approved",
        "execution.claimed",
    ]
    assert [event["previous"] for event in events] == [None, *(event["digest"] for event in events[:-1])]
    assert [event["digest"] for event in events] == [event_digest(event) for event in events]
    assert events[1]["authority"]["reviewer_id"] == SENTA
