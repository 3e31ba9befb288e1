"""Outages of Slack, the database or the process: nothing is lost, and delivery recovers by itself."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from blocks.home.troubles import APP_GONE
from playground.model.faults import Faults
from playground.slack import stand_in
from rules.state.model import Status
from store.outbox.unposted import is_any_unposted
from tests.bot.service import FOR_ITS_OWNER
from tests.bot.slack.office import (
    CHANNEL,
    CRITICAL,
    GROUP,
    HARD,
    NOBODY,
    RITA,
    SECRET,
    SENTA,
    SOFT,
    Office,
    beside,
    furnish,
)
from tests.bot.slack.operator_view import deliver_later, read_metric, read_posture, submit_packages

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

POST, UPDATE = "chat.postMessage", "chat.update"
MANY = 5


# ---- Slack is away


async def test_packages_submitted_during_an_outage_are_posted_once_afterwards(office: Office) -> None:
    await office.slack.go_down()
    await submit_packages(office, count=MANY)
    await office.deliver()
    assert await read_metric(office, "countersign_places_behind") == MANY
    assert (await read_posture(office))["slack"].startswith("unreachable: ")
    await office.slack.come_up()
    await deliver_later(office)
    assert len(office.cards()) == MANY
    assert await read_metric(office, "countersign_places_behind") == 0
    assert (await read_posture(office))["slack"] == "ok"


async def test_decisions_made_during_an_outage_are_shown_afterwards(office: Office) -> None:
    response, card = await office.submit_with_card(SOFT)
    office.slack.faults.status(503, times=None)
    assert (await office.click(RITA, card, "approve")).ok
    await office.deliver()
    assert await office.status(response) is Status.APPROVED
    assert "Approve" in office.slack.message(CHANNEL, card.ts).labels
    office.slack.faults.clear()
    await deliver_later(office)
    assert "Approve" not in office.slack.message(CHANNEL, card.ts).labels
    assert len(office.cards()) == 1


async def test_an_outage_at_startup_stops_nothing(database_url: str, tmp_path: Path) -> None:
    async with stand_in(signing_secret=SECRET) as slack:
        furnish(slack)
        await slack.go_down()
        async with beside(slack, database_url, tmp_path) as office:
            office.key = await office.hire("Clerk")
            refused = await office.submit(HARD)
            assert (refused.status, refused.kind) == (503, "directory-stale")
            assert (await office.submit(FOR_ITS_OWNER)).status == 201
            assert (await read_posture(office))["slack"].startswith("unreachable: ")
            await slack.come_up()
            await office.read_directory()
            response, card = await office.submit_with_card(SOFT)
            assert (await office.click(RITA, card, "approve")).ok
            assert await office.status(response) is Status.APPROVED


# ---- Slack is busy, or not well


async def test_while_posts_are_rate_limited_no_card_is_posted_and_afterwards_all_are(office: Office) -> None:
    office.slack.faults.rate_limited(POST, seconds=30)
    await submit_packages(office, count=MANY)
    await office.deliver()
    asked = len(office.slack.calls_to(POST))
    await submit_packages(office, count=MANY)
    await deliver_later(office, 28)
    assert (len(office.slack.calls_to(POST)), office.cards()) == (asked, [])
    office.slack.faults.clear()
    await deliver_later(office, 31)
    assert len(office.cards()) == 2 * MANY


async def test_while_updates_are_rate_limited_new_cards_are_still_posted(office: Office) -> None:
    response, card = await office.submit_with_card(SOFT)
    office.slack.faults.rate_limited(UPDATE, seconds=30)
    await office.click(RITA, card, "approve")
    await office.deliver()
    asked = len(office.slack.calls_to(UPDATE))
    await office.submit_with_card(HARD)
    await deliver_later(office, 28)
    assert (len(office.slack.calls_to(UPDATE)), len(office.cards())) == (asked, 2)
    office.slack.faults.clear()
    await deliver_later(office, 31)
    assert "Approve" not in (await office.card(response)).labels


async def test_a_note_that_must_wait_delays_no_other_card(office: Office) -> None:
    _, noted = await office.submit_with_card(SOFT)
    response, card = await office.submit_with_card(SOFT)
    office.slack.faults.rate_limited(POST, seconds=30)
    await office.click(RITA, noted, "approve")
    await office.deliver()
    await office.click(RITA, card, "approve")
    assert "Approve" not in (await office.card(response)).labels


async def test_postponed_places_do_not_hide_others(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scheduler.cards.reconciler.AT_ONCE", 1)
    office.slack.faults.error(POST, "fatal_error")
    await submit_packages(office)
    await office.deliver()
    await office.submit(CRITICAL)
    await office.deliver()
    assert len(office.cards()) == 1


async def test_a_private_note_that_slack_refuses_is_logged(office: Office, capsys: pytest.CaptureFixture[str]) -> None:
    _, card = await office.submit_with_card(SOFT)
    office.slack.faults.error("views.open", "expired_trigger_id")  # so that the refusal becomes a note
    office.slack.faults.status(404, "response_url")
    await office.click(NOBODY, card, "approve")
    await office.finish_background()
    assert "slack.background_task_failed" in capsys.readouterr().out


@pytest.mark.parametrize("status", [500, 502, 503])
@pytest.mark.parametrize("method", [POST, UPDATE, "conversations.members"])
async def test_a_failed_call_is_repeated_later_and_not_immediately(office: Office, method: str, status: int) -> None:
    response, card = await office.submit_with_card(SOFT)
    await deliver_later(office, 31)  # who is in the channel is remembered no longer
    before = len(office.slack.calls_to(method))
    office.slack.faults.status(status, method)
    await office.click(RITA, card, "approve")
    await submit_packages(office)
    for _ in range(3):
        await office.deliver()
    assert len([call for call in office.slack.calls_to(method)[before:] if call.status == status]) == 1
    await deliver_later(office)
    assert "Approve" not in (await office.card(response)).labels
    assert len(office.cards()) == 2
    assert await read_metric(office, "countersign_places_behind") == 0


async def test_a_post_without_a_reply_is_repeated_once_by_us_and_never_by_the_slack_sdk(
    office: Office, capsys: pytest.CaptureFixture[str]
) -> None:
    office.slack.faults.lose_reply(POST)
    response = await office.submit(SOFT)
    await office.deliver()
    assert len(office.slack.calls_to(POST)) == 1
    assert "card.not_delivered" in "".join(capsys.readouterr())
    assert await read_metric(office, 'countersign_slack_messages_total{outcome="failed"}') == 1
    await deliver_later(office)
    await deliver_later(office, 600)
    lost, card = office.cards()
    assert len(office.slack.calls_to(POST)) == 2
    assert (await office.click(RITA, lost, "approve")).ok
    assert await office.status(response) is Status.APPROVED
    await office.finish_background()
    retired = office.slack.message(CHANNEL, lost.ts)
    assert (retired.labels, "showed this card twice" in retired.text) == ([], True)
    await deliver_later(office, 1200)
    assert "Approve" not in office.slack.message(CHANNEL, card.ts).labels


async def test_an_update_without_a_reply_is_repeated_on_the_same_card(office: Office) -> None:
    _, card = await office.submit_with_card(SOFT)
    office.slack.faults.lose_reply(UPDATE)
    await office.click(RITA, card, "approve")
    await office.deliver()
    await deliver_later(office)
    assert {call.arguments["ts"] for call in office.slack.calls_to(UPDATE)} == {card.ts}
    assert len(office.cards()) == 1
    assert len(office.thread(card)) == 1


async def test_a_rate_limited_note_is_posted_once_in_the_end(office: Office) -> None:
    _, card = await office.submit_with_card(SOFT)
    office.slack.faults.rate_limited(POST, seconds=30)
    await office.click(RITA, card, "approve")
    await office.deliver()
    assert office.thread(card) == []
    office.slack.faults.clear()
    await deliver_later(office, 31)
    assert len(office.thread(card)) == 1


@pytest.mark.parametrize("error", ["token_revoked", "account_inactive"])
async def test_a_token_revoked_later_is_reported_and_nothing_is_lost(office: Office, error: str) -> None:
    office.slack.workspace.token_error = error
    await submit_packages(office)
    await office.deliver()
    assert (await read_posture(office))["slack"] == f"refuses the token: {error}. {APP_GONE}"
    office.slack.workspace.token_error = None
    await deliver_later(office)
    assert len(office.cards()) == 1


async def test_a_channel_that_refuses_cards_is_named_in_the_log(office: Office) -> None:
    office.slack.change_channel(CHANNEL, bot_in=False)
    await submit_packages(office)
    await office.deliver()
    assert (await read_posture(office))["undelivered"] == [{"place": CHANNEL, "error": "not_in_channel"}]


@pytest.mark.parametrize(
    ("error", "is_an_outage"),
    [
        ("invalid_blocks", False),
        ("restricted_action", False),
        ("internal_error", True),
        ("missing_scope", True),
        ("an_error_that_nobody_knows_yet", True),
        ("token_revoked", True),
    ],
)
async def test_a_card_that_slack_refuses_for_its_place_or_text_is_no_outage(
    office: Office, error: str, *, is_an_outage: bool
) -> None:
    office.slack.faults.error(POST, error, times=None)
    await submit_packages(office)
    await office.deliver()
    tenant_id = office.store.installation.tenant_id
    assert await office.store.read(lambda connection: is_any_unposted(connection, tenant_id)) is is_an_outage


async def test_a_refused_card_waits_like_any_other_once_the_next_attempt_fails_with_all_of_slack(
    office: Office,
) -> None:
    office.slack.faults.error(POST, "invalid_blocks")
    office.slack.faults.error(POST, "internal_error", times=None)
    await submit_packages(office)
    await office.deliver()
    await deliver_later(office)
    tenant_id = office.store.installation.tenant_id
    assert await office.store.read(lambda connection: is_any_unposted(connection, tenant_id))


# ---- the directory


async def roles(office: Office, user: str) -> tuple[str, ...]:
    return (await office.store.read(office.store.installation.roster)).roles_of(user)


@pytest.mark.parametrize("method", ["users.list", "usergroups.users.list"])
@pytest.mark.parametrize(
    ("fail", "trouble"),
    [
        pytest.param(lambda faults, method: faults.rate_limited(method), "ratelimited", id="busy"),
        pytest.param(lambda faults, method: faults.status(500, method, times=None), "HTTP 500", id="not well"),
        pytest.param(lambda faults, method: faults.error(method, "fatal_error"), "fatal_error", id="it says so"),
    ],
)
async def test_a_directory_that_cannot_be_read_stays_complete(
    office: Office, method: str, fail: Callable[[Faults, str], None], trouble: str
) -> None:
    office.slack.add_person("UNEW", name="Nora")
    office.slack.change_group(GROUP, members=["UNEW"])
    office.clock.passes(timedelta(hours=1))
    fail(office.slack.faults, method)
    await office.read_directory()
    assert (await read_posture(office))["directory_trouble"] == trouble
    assert (await roles(office, "UNEW"), await roles(office, SENTA)) == ((), ("senior_reviewer",))
    office.slack.faults.clear()
    await office.read_directory()
    assert "directory_trouble" not in await read_posture(office)
    assert (await roles(office, "UNEW"), await roles(office, SENTA)) == (("senior_reviewer",), ())


async def test_a_recently_read_directory_is_not_read_again(office: Office) -> None:
    before = len(office.slack.calls_to("users.list"))
    for _ in range(3):
        await office.read_directory()
    assert len(office.slack.calls_to("users.list")) == before


# ---- what an operator can count


async def test_clicks_are_counted_by_outcome(office: Office) -> None:
    _, card = await office.submit_with_card(SOFT)
    await office.click(NOBODY, card, "approve")
    await office.click(RITA, card, "approve")
    assert await read_metric(office, 'countersign_clicks_total{outcome="refused"}') == 1
    assert await read_metric(office, 'countersign_clicks_total{outcome="done"}') == 1


async def test_cards_are_counted(office: Office) -> None:
    _, card = await office.submit_with_card(SOFT)
    await office.click(RITA, card, "approve")
    await office.deliver()
    both = [*office.cards(), *office.thread(card)]
    assert await read_metric(office, 'countersign_slack_messages_total{outcome="posted"}') == len(both) == 2
    updates = office.slack.calls_to(UPDATE)
    assert await read_metric(office, 'countersign_slack_messages_total{outcome="updated"}') == len(updates) > 0
