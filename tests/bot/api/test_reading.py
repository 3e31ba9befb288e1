"""Reading a package, waiting for it to change, listing packages, and reading events."""

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
from tests.bot.service import AUTOMATIC, CRITICAL, HARD, SOFT, AgentApi, Response
from tests.rules.world import RITA, SENTA, SUSI


async def waiting(api: AgentApi, response: Response, **options: Any) -> asyncio.Task[Response]:
    """Start a long poll, and return once it really waits."""
    begun, news = asyncio.Event(), Waiter.wait_for_change

    async def begin_waiting(waiter: Waiter) -> None:
        begun.set()
        await news(waiter)

    with patch.object(Waiter, "wait_for_change", begin_waiting):
        poll = asyncio.create_task(api.read(response, **options))
        await asyncio.wait([poll, asyncio.create_task(begun.wait())], return_when=asyncio.FIRST_COMPLETED)
    assert not poll.done()
    return poll


async def within(seconds: float, awaited: Coroutine[Any, Any, Response] | asyncio.Task[Response]) -> Response:
    async with asyncio.timeout(seconds):
        return await awaited


async def test_reading_a_package_returns_its_document_and_etag(api: AgentApi) -> None:
    response = await api.submit()
    read = await api.read(response)
    assert (read.status, read.body, read.headers["ETag"]) == (200, response.body, '"1"')


@pytest.mark.parametrize("tag", ['"1"', 'W/"1"'])
async def test_a_known_revision_is_a_304(api: AgentApi, tag: str) -> None:
    response = await api.submit()
    read = await api.read(response, headers={"If-None-Match": tag})
    assert (read.status, read.text, read.headers["ETag"]) == (304, "", '"1"')


async def test_a_decision_releases_a_long_poll(api: AgentApi) -> None:
    response = await api.submit()
    poll = await waiting(api, response, params={"wait": 30}, headers={"If-None-Match": response.headers["ETag"]})
    await api.decide(Approve, response, by=RITA)
    released = await within(10, poll)
    assert (released.body["status"], released.body["may_proceed"]) == ("approved", True)
    assert released.headers["ETag"] != response.headers["ETag"]


async def test_a_long_poll_without_a_revision_ends_with_any_change(api: AgentApi) -> None:
    response = await api.submit()
    poll = await waiting(api, response, params={"wait": 30})
    await api.decide(Comment, response, by=RITA)
    released = await within(10, poll)
    assert (released.body["status"], released.body["revision"]) == ("pending", 2)


async def test_a_first_vote_of_two_releases_a_long_poll(api: AgentApi) -> None:
    response = await api.submit(CRITICAL)
    await api.decide(OpenDetails, response, by=SUSI)
    poll = await waiting(api, response, params={"wait": 30})
    await api.decide(Approve, response, by=SUSI)
    released = await within(10, poll)
    assert (released.body["status"], released.body["interrupt"]["quorum"]["have"]) == ("pending", 1)


async def test_an_older_revision_is_answered_at_once(api: AgentApi) -> None:
    response = await api.submit()
    await api.decide(Comment, response, by=RITA)
    read = await within(10, api.read(response, params={"wait": 30}, headers={"If-None-Match": '"1"'}))
    assert read.body["revision"] == 2


async def test_a_settled_package_answers_at_once_without_a_revision(api: AgentApi) -> None:
    response = await api.submit(AUTOMATIC)
    assert (await within(10, api.read(response, params={"wait": 30}))).body["terminal"] is True


async def test_a_settled_revision_waits_for_the_next_change(api: AgentApi) -> None:
    response = await api.submit(AUTOMATIC)
    poll = await waiting(api, response, params={"wait": 30}, headers={"If-None-Match": response.headers["ETag"]})
    await api.claim(response)
    assert (await within(10, poll)).body["execution"]["state"] == "claimed"


async def test_a_long_poll_ends_with_a_304_if_nothing_changed(api: AgentApi) -> None:
    response = await api.submit()
    waited = {"wait": 0.05}
    known = await api.read(response, params=waited, headers={"If-None-Match": response.headers["ETag"]})
    assert (known.status, known.text) == (304, "")
    assert (await api.read(response, params=waited)).body == response.body


@pytest.mark.parametrize("tag", ['W/"1"', "1", '"1"'])
async def test_weak_and_unquoted_etags_are_accepted(api: AgentApi, tag: str) -> None:
    response = await api.submit()
    await api.decide(Comment, response, by=RITA)
    read = await within(10, api.read(response, params={"wait": 30}, headers={"If-None-Match": tag}))
    assert read.body["revision"] == 2


@pytest.mark.parametrize("tag", ["*", '"abc"', '""', '"1", "2"', '"-1"', '"99999999999999999999"', "ü"])
async def test_an_unknown_etag_is_ignored(api: AgentApi, tag: str) -> None:
    response = await api.submit()
    assert (await api.read(response, params={"wait": 0.01}, headers={"If-None-Match": tag})).status == 200


@pytest.mark.parametrize("wait", ["-1", "31", "NaN", "inf", "1e999", "x", "", "٣"])
async def test_an_invalid_wait_is_refused(api: AgentApi, wait: str) -> None:
    response = await api.submit()
    assert (await api.read(response, params={"wait": wait})).wrong == ["query.wait"]


async def test_waiting_for_an_unknown_package_is_a_404_at_once(api: AgentApi) -> None:
    response = await within(10, api.get("/v1/packages/pkg_0", params={"wait": 30}))
    assert response.problem == (404, "not-found")


async def test_packages_are_listed_newest_first_page_by_page(api: AgentApi) -> None:
    submitted = []
    for number in range(5):
        api.clock.passes(timedelta(seconds=number % 2))  # two of them at the same instant
        submitted.append((await api.submit(SOFT | {"run_id": f"run {number}"})).id)
    seen: list[str] = []
    query: dict[str, Any] = {"limit": 2}
    for _ in range(3):
        page = (await api.get("/v1/packages", params=query)).body
        seen += [package["decision_package_id"] for package in page["packages"]]
        query["cursor"] = page["next_cursor"]
    assert (sorted(seen), query["cursor"]) == (sorted(submitted), None)
    assert submitted[-1] in seen[:2]


@pytest.mark.parametrize("cursor", ["0-pkg_0", "9999999999999999-pkg_zzz"])
async def test_a_cursor_of_no_package_is_a_valid_position(api: AgentApi, cursor: str) -> None:
    response = await api.submit()
    listed = [
        package["decision_package_id"] for package in (await api.get(f"/v1/packages?cursor={cursor}")).body["packages"]
    ]
    assert listed == [response.id][: int(cursor[0])]


async def test_new_packages_do_not_shift_later_pages(api: AgentApi) -> None:
    first = await api.submit()
    api.clock.passes(timedelta(seconds=1))
    await api.submit()
    page = (await api.get("/v1/packages", params={"limit": 1})).body
    api.clock.passes(timedelta(seconds=1))
    await api.submit()
    rest = (await api.get("/v1/packages", params={"cursor": page["next_cursor"]})).body
    assert [package["decision_package_id"] for package in rest["packages"]] == [first.id]


async def test_a_listing_can_be_filtered(api: AgentApi) -> None:
    await api.submit(AUTOMATIC | {"thread_id": "a b"})
    other = await api.submit(HARD | {"thread_id": "other", "action_type": "payment.send"})
    for query in ({"status": "pending"}, {"thread_id": "other"}, {"action_type": "payment.send"}):
        listed = (await api.get("/v1/packages", params=query)).body["packages"]
        assert [package["decision_package_id"] for package in listed] == [other.id]
    assert (await api.get("/v1/packages", params={"status": "rejected"})).body["packages"] == []


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
async def test_an_invalid_query_parameter_is_refused_by_name(api: AgentApi, query: str, wrong: str) -> None:
    response = await api.get(f"/v1/packages?{query}")
    assert (response.problem, response.wrong) == ((422, "invalid"), [wrong])


async def test_events_are_a_chain_oldest_first(api: AgentApi) -> None:
    response = await api.submit(HARD)
    await api.decide(Approve, response, by=SENTA)
    await api.claim(response)
    events = (await api.get(f"/v1/packages/{response.id}/events")).body["events"]
    assert [event["event_type"] for event in events] == [
        "package.submitted",
        "human.decision_recorded",
        "package.approved",
        "execution.claimed",
    ]
    assert [event["previous"] for event in events] == [None, *(event["digest"] for event in events[:-1])]
    assert [event["digest"] for event in events] == [event_digest(event) for event in events]
    assert events[1]["authority"]["reviewer_id"] == SENTA
