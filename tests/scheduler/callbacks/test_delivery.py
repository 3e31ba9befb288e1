"""Callbacks are delivered once if all goes well, retried otherwise, in order and signed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web
from standardwebhooks.webhooks import WebhookVerificationError

from rules.people.directory import AgentStanding
from rules.state.commands import Reject
from scheduler.callbacks.retries import ATTEMPTS, DELAYS
from store.agents import agent_admin
from store.audit import retention
from tests.rules.world import DAY, NOW, RITA, ask, people
from tests.scheduler.callbacks.receiver import Receiver, hangs
from tests.scheduler.callbacks.rounds import SOON, Rounds, open_rounds

SECOND = timedelta(seconds=1)


# ---- what arrives


async def test_a_callback_is_the_status_document_and_its_signature_verifies(rounds: Rounds, receiver: Receiver) -> None:
    state = await rounds.submit_approved(receiver.url())
    await rounds.deliver()
    (got,) = receiver.got
    (secret,) = await rounds.secrets()
    payload = got.verify(secret)
    document = await rounds.world.store.load_document(state.decision_package_id, state.agent_id)
    assert document is not None
    assert payload == {"type": "package.approved", "timestamp": "2026-11-20T12:00:00Z", "data": document.document}
    assert got.headers["Content-Type"] == "application/json"
    assert got.id.startswith("msg_")
    assert (await rounds.states(), rounds.outcomes) == (["delivered"], ["delivered"])


async def test_the_agent_is_called_when_its_claim_ends_an_approval(rounds: Rounds, receiver: Receiver) -> None:
    state = await rounds.submit_approved(receiver.url())
    await rounds.world.people_are(people(USENTA={"active": False}))
    claimed = await rounds.world.claim(state)
    assert claimed.refusal is not None
    await rounds.deliver()
    approved, revoked = (got.payload for got in receiver.got)
    assert (approved["type"], revoked["type"]) == ("package.approved", "package.revoked")
    assert (revoked["data"]["status"], revoked["data"]["may_proceed"]) == ("revoked", False)
    assert "submit it with a new idempotency key" in revoked["data"]["agent_message"]


async def test_a_delivered_callback_is_not_sent_again(rounds: Rounds, receiver: Receiver) -> None:
    await rounds.submit_approved(receiver.url())
    await rounds.deliver()
    await rounds.later(DAY)
    assert len(receiver.got) == 1


async def test_a_foreign_signature_or_a_changed_body_does_not_verify(rounds: Rounds, receiver: Receiver) -> None:
    await rounds.submit_approved(receiver.url())
    await rounds.deliver()
    (got,), (secret,) = receiver.got, await rounds.secrets()
    with pytest.raises(WebhookVerificationError):
        got.verify("whsec_" + "A" * 43 + "=")
    with pytest.raises(WebhookVerificationError):
        got._replace(body=got.body + b" ").verify(secret)
    with pytest.raises(WebhookVerificationError):
        got._replace(headers={**got.headers, "webhook-id": "msg_other"}).verify(secret)


async def test_during_a_rotation_both_secrets_verify_and_then_only_the_new_one(
    rounds: Rounds, receiver: Receiver
) -> None:
    await rounds.rotate_secret(overlap=timedelta(hours=1))
    await rounds.submit_approved(receiver.url())
    await rounds.deliver()
    new, old = await rounds.secrets()
    assert receiver.got[0].headers["webhook-signature"].count("v1,") == 2
    assert receiver.got[0].verify(new) == receiver.got[0].verify(old)
    rounds.ahead = timedelta(hours=2)
    await rounds.submit_approved(receiver.url())
    await rounds.deliver()
    assert receiver.got[1].headers["webhook-signature"].count("v1,") == 1


async def test_the_agents_default_address_is_called_if_the_package_names_none(
    rounds: Rounds, receiver: Receiver
) -> None:
    await rounds.world.write(
        lambda connection: agent_admin.set_callback_url(connection, "Clerk", receiver.url("/own"), NOW)
    )
    await rounds.submit_approved(receiver.url("/packages"))
    state = await rounds.world.submit()
    await rounds.world.after(ask(Reject, state), RITA)
    await rounds.deliver()
    assert sorted(got.path for got in receiver.got) == ["/own", "/packages"]


# ---- again


@pytest.mark.parametrize("status", [300, 304, 400, 404, 409, 429, 500, 503])
async def test_a_refused_callback_is_retried_with_the_same_id(rounds: Rounds, receiver: Receiver, status: int) -> None:
    receiver.answers(status)
    await rounds.submit_approved(receiver.url())
    await rounds.deliver()
    assert (await rounds.states(), rounds.outcomes) == (["due"], ["failed"])
    await rounds.later(DELAYS[0] - SECOND)
    assert len(receiver.got) == 1
    await rounds.later(2 * SECOND)
    assert await rounds.states() == ["delivered"]
    first, second = receiver.got
    assert (first.id, first.body) == (second.id, second.body)
    assert int(second.headers["webhook-timestamp"]) >= int(first.headers["webhook-timestamp"]) + 5


async def test_a_receiver_that_never_accepts_is_retried_for_days_and_then_given_up(
    rounds: Rounds, receiver: Receiver
) -> None:
    receiver.answers(*[500] * ATTEMPTS)
    await rounds.submit_approved(receiver.url())
    await rounds.deliver()
    for delay in DELAYS:
        assert await rounds.states() == ["due"]
        await rounds.later(delay + SECOND)
    letter = await rounds.only_callback()
    assert (letter.state, letter.attempts) == ("dead", len(receiver.got))
    assert letter.last_error == f"answered 500; given up after {ATTEMPTS} attempts"
    assert set(receiver.ids()) == {letter.callback_id}
    await rounds.later(30 * DAY)
    assert len(receiver.got) == ATTEMPTS


async def test_a_receiver_that_hangs_is_timed_out_and_retried(rounds: Rounds, receiver: Receiver) -> None:
    receiver.answers(hangs)
    await rounds.submit_approved(receiver.url())
    async with open_rounds(rounds.world, within=SOON) as impatient:
        await impatient.deliver()
    assert (await rounds.only_callback()).last_error == "no answer within 0.2 s"
    await rounds.later(DELAYS[0] + SECOND)
    assert await rounds.states() == ["delivered"]


async def test_a_refused_connection_is_retried(rounds: Rounds) -> None:
    await rounds.submit_approved("http://127.0.0.1:1/hook")
    await rounds.deliver()
    letter = await rounds.only_callback()
    assert (letter.state, letter.last_error) == ("due", "no connection (Connection refused)")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(rounds: Rounds, receiver: Receiver, status: int) -> None:
    receiver.answers(status, Location=receiver.url("/inside"))
    await rounds.submit_approved(receiver.url())
    await rounds.deliver()
    letter = await rounds.only_callback()
    assert [got.path for got in receiver.got] == ["/hook"]
    assert str(letter.last_error).startswith(f"answered {status}: redirects are not followed")


@pytest.mark.parametrize("form", ["seconds", "date"])
async def test_retry_after_pauses_everything_for_that_receiver(rounds: Rounds, receiver: Receiver, form: str) -> None:
    until = datetime.now(UTC) + timedelta(seconds=600)
    written = {"seconds": "600", "date": until.strftime("%a, %d %b %Y %H:%M:%S GMT")}[form]
    receiver.answers(429, Retry_After=written)
    await rounds.submit_approved(receiver.url())
    await rounds.deliver()
    await rounds.submit_approved(receiver.url())
    await rounds.submit_approved(receiver.url("/other"))
    await rounds.later(timedelta(seconds=590))
    assert [got.path for got in receiver.got] == ["/hook", "/other"]
    await rounds.later(timedelta(seconds=12))
    assert await rounds.states() == ["delivered"] * 3


# ---- 410


async def test_an_address_that_answered_410_is_never_called_again(rounds: Rounds, receiver: Receiver) -> None:
    receiver.answers(410)
    await rounds.submit_approved(receiver.url())
    await rounds.deliver()
    await rounds.submit_approved(receiver.url())
    await rounds.deliver()
    assert [got.path for got in receiver.got] == ["/hook"]
    assert sorted(str(letter.last_error) for letter in await rounds.callbacks()) == [
        "answered 410 Gone: nothing more is sent to this address",
        "not sent: the address answered 410 Gone before; `countersign callbacks enable` opens it again",
    ]
    assert await rounds.states() == ["dead", "dead"]


async def test_a_410_to_one_agent_does_not_close_the_address_for_another(rounds: Rounds, receiver: Receiver) -> None:
    other = await rounds.world.hire("Other")
    receiver.answers(410)
    await rounds.submit_approved(receiver.url())
    await rounds.deliver()
    await rounds.submit_approved(receiver.url(), other)
    await rounds.deliver()
    assert sorted(await rounds.states()) == ["dead", "delivered"]


# ---- callbacks that are not sent


async def test_a_revoked_agent_gets_no_callbacks(rounds: Rounds, receiver: Receiver) -> None:
    await rounds.submit_approved(receiver.url())
    await rounds.world.write(
        lambda connection: agent_admin.set_standing(connection, "Clerk", AgentStanding.REVOKED, NOW)
    )
    await rounds.deliver()
    assert receiver.got == []
    assert (await rounds.only_callback()).last_error == "not sent: its agent was revoked"


async def test_a_callback_emptied_by_retention_is_given_up(rounds: Rounds, receiver: Receiver) -> None:
    await rounds.submit_approved(receiver.url())
    world = rounds.world
    await world.write(lambda connection: retention.empty_content(connection, world.tenant_id, NOW + DAY, 10))
    await rounds.deliver()
    assert receiver.got == []
    assert (await rounds.only_callback()).last_error == "not sent: retention has emptied its words"


async def test_an_internal_error_is_retried_a_limited_number_of_times(
    rounds: Rounds, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> dict[str, str]:
        raise ZeroDivisionError

    monkeypatch.setattr("scheduler.callbacks.webhook.envelope", broken)
    await rounds.submit_approved(receiver.url())
    await rounds.deliver()
    letter = await rounds.only_callback()
    assert (letter.state, letter.attempts) == ("due", 1)
    assert letter.last_error == "a fault of Countersign itself, told in its log"
    monkeypatch.undo()
    await rounds.later(DELAYS[0] + SECOND)
    assert await rounds.states() == ["delivered"]


async def test_a_business_clock_moved_forward_delays_no_callback(rounds: Rounds, receiver: Receiver) -> None:
    rounds.world.clock.passes(300 * DAY)
    await rounds.world.people_are(people())
    await rounds.submit_approved(receiver.url())
    await rounds.deliver()
    assert await rounds.states() == ["delivered"]


async def test_callbacks_carry_neither_cookies_nor_credentials(
    rounds: Rounds, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def answer_with_cookie(_: web.Request) -> web.StreamResponse:
        answer = web.Response()
        answer.set_cookie("session", "1")
        return answer

    receiver.answers(answer_with_cookie)
    for _ in range(2):
        await rounds.submit_approved(receiver.url())
        await rounds.deliver()
    assert [name for got in receiver.got for name in got.headers if name in ("Cookie", "Authorization")] == []
