"""Slack's rate limits, and a failing Slack."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest
from slack_sdk.http_retry.async_handler import AsyncRetryHandler
from slack_sdk.http_retry.builtin_async_handlers import AsyncConnectionErrorRetryHandler
from slack_sdk.http_retry.builtin_interval_calculators import FixedValueRetryIntervalCalculator
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from playground.client.queries import NotInTimeError
from playground.slack import Rates, Slack, stand_in
from tests.playground.app import error_of, refusal_of, section
from tests.playground.manual_clock import ManualClock


@pytest.fixture
async def limited_slack(clock: ManualClock) -> AsyncIterator[Slack]:
    async with stand_in(rates=Rates(), clock=clock) as slack:
        slack.add_channel("C1")
        slack.add_channel("C2")
        yield slack


@pytest.fixture
def calling(limited_slack: Slack, session: aiohttp.ClientSession) -> AsyncWebClient:
    return AsyncWebClient(limited_slack.bot_token, base_url=limited_slack.api_url, session=session, retry_handlers=[])


async def test_a_channel_accepts_one_post_per_second_and_a_small_burst(
    calling: AsyncWebClient, clock: ManualClock
) -> None:
    for _ in range(5):
        await calling.chat_postMessage(channel="C1", text="Hello")
    refused = await refusal_of(calling.chat_postMessage(channel="C1", text="Hello"))
    assert (refused.status_code, refused["error"], refused.headers["Retry-After"]) == (429, "ratelimited", "5")
    await calling.chat_postMessage(channel="C2", text="Elsewhere")
    clock.advance(5)
    await calling.chat_postMessage(channel="C1", text="Hello")


async def test_a_method_is_limited_for_the_whole_workspace(
    calling: AsyncWebClient, limited_slack: Slack, clock: ManualClock
) -> None:
    for _ in range(20):
        await calling.usergroups_list()
    clock.advance(20)
    refused = await refusal_of(calling.usergroups_list())
    assert refused.headers["Retry-After"] == "40"
    assert (await calling.users_list())["ok"]
    clock.advance(40)
    await calling.usergroups_list()
    assert [call.error for call in limited_slack.calls_to("usergroups.list")].count("ratelimited") == 1


async def test_updates_are_limited_to_fifty_per_minute_in_all_channels_together(calling: AsyncWebClient) -> None:
    ts = [(await calling.chat_postMessage(channel=channel, text="Hello"))["ts"] for channel in ("C1", "C2")]
    for number in range(25):
        await calling.chat_update(channel="C1", ts=ts[0], text=f"{number}")
        await calling.chat_update(channel="C2", ts=ts[1], text=f"{number}")
    assert await error_of(calling.chat_update(channel="C1", ts=ts[0], text="One more")) == "ratelimited"


async def test_posts_to_a_response_url_count_as_posts(
    calling: AsyncWebClient, limited_slack: Slack, clock: ManualClock
) -> None:
    key = limited_slack.workspace.response_urls.give(channel="C1", user="UBOT")
    hook = AsyncWebhookClient(f"{limited_slack.workspace.base_url}/playground/response/{key}", retry_handlers=[])
    for _ in range(4):
        await calling.chat_postMessage(channel="C1", text="Hello")
    assert (await hook.send(text="Hello", response_type="in_channel")).status_code == 200
    refused = await hook.send(text="Hello", response_type="in_channel")
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "5")
    assert (await hook.send(text="Another word", replace_original=True)).status_code == 200


async def test_time_can_go_faster(session: aiohttp.ClientSession, clock: ManualClock) -> None:
    async with stand_in(rates=Rates(speed=60), clock=clock) as slack:
        client = AsyncWebClient(slack.bot_token, base_url=slack.api_url, session=session, retry_handlers=[])
        for _ in range(20):
            await client.usergroups_list()
        refused = await refusal_of(client.usergroups_list())
        assert refused.headers["Retry-After"] == "1"
        clock.advance(1)
        await client.usergroups_list()


async def test_a_switched_on_rate_limit_lasts_as_long_as_requested(
    client: AsyncWebClient, slack: Slack, clock: ManualClock
) -> None:
    slack.faults.rate_limited("users.list", seconds=30)
    clock.advance(10)
    refused = await refusal_of(client.users_list())
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "20")
    await client.auth_test()
    clock.advance(20)
    await client.users_list()


async def test_an_error_may_come_once_or_until_it_is_cleared(client: AsyncWebClient, slack: Slack) -> None:
    slack.faults.error("chat.postMessage", "fatal_error")
    assert await error_of(client.chat_postMessage(channel="C1", text="1")) == "fatal_error"
    await client.chat_postMessage(channel="C1", text="2")
    slack.faults.error("chat.postMessage", "internal_error", times=None, carried_out=True)
    assert await error_of(client.chat_postMessage(channel="C1", text="3")) == "internal_error"
    assert await error_of(client.chat_postMessage(channel="C1", text="4")) == "internal_error"
    slack.faults.clear()
    await client.chat_postMessage(channel="C1", text="5")
    assert [message.text for message in slack.messages("C1")] == ["2", "3", "4", "5"]


async def test_a_failing_server_answers_with_a_page(client: AsyncWebClient, slack: Slack) -> None:
    slack.faults.status(503, times=2)
    refused = await refusal_of(client.auth_test())
    assert (refused.status_code, refused.data) == (503, {})
    assert (await refusal_of(client.users_list())).status_code == 503
    await client.auth_test()


async def test_a_lost_reply_hides_a_call_that_was_carried_out(client: AsyncWebClient, slack: Slack) -> None:
    slack.faults.lose_reply("chat.postMessage")
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await client.chat_postMessage(channel="C1", text="Hello")
    assert len(slack.messages("C1")) == 1


async def test_a_client_that_retries_posts_twice(slack: Slack, session: aiohttp.ClientSession) -> None:
    at_once = FixedValueRetryIntervalCalculator(0)
    again: list[AsyncRetryHandler] = [AsyncConnectionErrorRetryHandler(interval_calculator=at_once)]
    client = AsyncWebClient(slack.bot_token, base_url=slack.api_url, session=session, retry_handlers=again)
    slack.faults.lose_reply("chat.postMessage")
    await client.chat_postMessage(channel="C1", text="Hello")
    assert len(slack.messages("C1")) == 2


async def test_a_slow_answer_still_arrives(client: AsyncWebClient, slack: Slack) -> None:
    slack.faults.slow("auth.test", seconds=0.01)
    assert (await client.auth_test())["ok"]


async def test_the_faults_of_one_method_can_be_cleared(client: AsyncWebClient, slack: Slack) -> None:
    for method in ("auth.test", "users.list"):
        slack.faults.error(method, "internal_error", times=None)
    slack.faults.clear("auth.test")
    assert (await client.auth_test())["ok"]
    assert await error_of(client.users_list()) == "internal_error"


async def test_a_call_can_be_held(client: AsyncWebClient, slack: Slack) -> None:
    gate = slack.faults.hold("chat.postMessage")
    post = asyncio.ensure_future(client.chat_postMessage(channel="C1", text="Hello"))
    await gate.wait_until_reached()
    assert slack.messages("C1") == []
    await client.chat_postMessage(channel="C1", text="Past it")
    gate.open()
    await post
    assert [message.text for message in slack.messages("C1")] == ["Past it", "Hello"]


async def test_slack_goes_down_and_comes_up_at_the_same_address(client: AsyncWebClient, slack: Slack) -> None:
    await client.auth_test()
    await slack.go_down()
    with pytest.raises(aiohttp.ClientConnectionError):
        await client.auth_test()
    with pytest.raises(aiohttp.ClientConnectionError):
        await client.auth_test()
    await slack.come_up()
    assert (await client.auth_test())["ok"]


async def test_a_timeout_lists_the_last_calls(client: AsyncWebClient, slack: Slack) -> None:
    await client.auth_test()
    with pytest.raises(NotInTimeError, match=r"the last calls were: auth\.test -> ok"):
        await slack.until(lambda: slack.messages("C1"), seconds=0.01)


async def test_every_call_is_recorded(client: AsyncWebClient, slack: Slack) -> None:
    await client.chat_postMessage(channel="C1", text="Hello", blocks=[section("Hello")])
    await error_of(client.chat_postMessage(channel="C404", text="Hello"))
    first, second = slack.calls_to("chat.postMessage")
    assert first.arguments["text"] == "Hello"
    assert (first.answer["ts"], first.status, first.error) == (slack.messages("C1")[0].ts, 200, None)
    assert second.error == "channel_not_found"
    assert slack.bot_token not in str(slack.calls)


async def test_a_listener_hears_every_change(client: AsyncWebClient, slack: Slack) -> None:
    seen: list[str] = []
    stop = slack.workspace.changes.subscribe(lambda change: seen.append(change.kind))
    await client.chat_postMessage(channel="C1", text="Hello")
    stop()
    await client.auth_test()
    assert seen == ["message.posted", "api.called"]
