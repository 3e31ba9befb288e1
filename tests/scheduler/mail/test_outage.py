"""When Slack is away, or refuses the app, people are told by mail of what waits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from hashlib import sha256
from typing import Any

import pytest
from sqlalchemy import event

from rules.state.agent_commands import NewVersion
from rules.state.commands import ClaimTask, Revise
from store.installation import presence
from store.installation.directory import begin_absence
from store.installation.presence import SignOfLife
from store.outbox import troubles
from tests.mail_server import CUT, GREYLISTED, MailServer, Received
from tests.rules.world import (
    ADAM,
    CRITICAL,
    HARD,
    MINUTE,
    OWEN,
    ROSE,
    SENTA,
    SVEN,
    ask,
    package,
    people,
    policy,
)
from tests.scheduler.mail.rounds import LATER, MailRounds, open_mail_rounds
from tests.store.soundness import faults
from tests.store.world import LASTING, open_world, replica

SENIORS = ["senta@example.com", "sven@example.com"]


async def look_and_send(rounds: MailRounds) -> None:
    await rounds.outage.tick()
    await rounds.send()


async def test_what_waits_is_mailed_when_slack_has_been_away_for_as_long_as_the_policy_says(
    rounds: MailRounds, server: MailServer
) -> None:
    await rounds.world.submit(HARD)
    await rounds.slack_is(away=True, span=9 * MINUTE)
    await look_and_send(rounds)
    before = list(server.recipients)
    rounds.world.clock.passes(MINUTE)
    await rounds.slack_is(away=True, span=10 * MINUTE)
    await look_and_send(rounds)
    assert (before, sorted(server.recipients)) == ([], SENIORS)
    assert {mail.subject for mail in server.got} == {"A decision waits for you"}


@pytest.mark.slow
async def test_a_hundred_packages_are_one_mail_for_each_person(rounds: MailRounds, server: MailServer) -> None:
    """The gravest first. Those that it names are recorded."""
    for number in range(100):
        await rounds.world.submit(package(risk_level="high", title=f"Delete table {number}"))
    await rounds.world.submit(package(risk_level="critical", title="Delete all tables"))
    await rounds.slack_is(away=True, span=11 * MINUTE)
    await look_and_send(rounds)
    await rounds.later()
    by_person = Counter(server.recipients)
    assert {person: by_person[person] for person in SENIORS} == dict.fromkeys(SENIORS, 1)
    (mail,) = [mail for mail in server.got if mail.recipient == SENIORS[0]]
    assert mail.subject == "100 decisions wait for you"
    (recorded,) = await rounds.rows("SELECT count(*) FROM events WHERE event_type = 'package.mailed'")
    assert recorded == (21,)  # 20 for the seniors, and the critical one
    assert await rounds.world.read(faults) == []


async def test_nobody_is_told_of_a_package_again_in_the_same_or_the_next_outage(
    rounds: MailRounds, server: MailServer
) -> None:
    await rounds.world.submit(HARD)
    for away in (True, True, False, True):
        await rounds.slack_is(away=away, span=11 * MINUTE)
        await look_and_send(rounds)
        rounds.ahead += LATER
    assert sorted(server.recipients) == SENIORS


async def test_one_new_package_sends_nobody_another_mail_about_what_was_put_off(
    rounds: MailRounds, server: MailServer
) -> None:
    """The first mail names twenty of 25. The new package is for Senta alone, who has a mail of her own for it."""
    for number in range(25):
        await rounds.world.submit(package(risk_level="high", title=f"Delete table {number}"))
    await rounds.slack_is(away=True, span=11 * MINUTE)
    await look_and_send(rounds)
    before = sorted(server.recipients)
    await rounds.world.submit(package(risk_level="high", requested_by=SVEN))
    await rounds.outage_goes_on()
    await rounds.later()
    assert (before, server.recipients.count("sven@example.com")) == (SENIORS, 1)


async def test_a_new_version_is_told_in_the_next_outage(rounds: MailRounds, server: MailServer) -> None:
    state = await rounds.world.submit(HARD)
    await rounds.slack_is(away=True, span=11 * MINUTE)
    await look_and_send(rounds)
    await rounds.slack_is(away=False)
    await rounds.outage.tick()
    state = await rounds.world.after(ask(Revise, state), SENTA)
    await rounds.world.execute_for_agent(ask(NewVersion, state, package=HARD))
    await rounds.slack_is(away=True, span=11 * MINUTE)
    await look_and_send(rounds)
    assert sorted(server.recipients) == sorted(SENIORS * 2)


async def test_a_package_that_comes_in_during_the_outage_is_mailed_too(rounds: MailRounds, server: MailServer) -> None:
    await rounds.slack_is(away=True, span=11 * MINUTE)
    await look_and_send(rounds)
    await rounds.world.submit(HARD)
    await rounds.outage_goes_on()
    await rounds.send()
    assert sorted(server.recipients) == SENIORS


async def test_people_who_were_told_that_a_package_is_critical_are_not_told_again_that_it_waits(
    rounds: MailRounds, server: MailServer
) -> None:
    await rounds.world.submit(CRITICAL)
    await rounds.later()
    before = list(server.recipients)
    await rounds.slack_is(away=True, span=11 * MINUTE)
    await look_and_send(rounds)
    assert server.recipients == before


async def test_only_the_person_who_took_the_task_is_told_that_it_waits(rounds: MailRounds, server: MailServer) -> None:
    state = await rounds.world.submit(HARD)
    await rounds.world.after(ask(ClaimTask, state), SVEN)
    await rounds.slack_is(away=True, span=11 * MINUTE)
    await look_and_send(rounds)
    assert server.recipients == ["sven@example.com"]


async def test_slack_that_is_back_before_the_mail_left_makes_it_needless(
    rounds: MailRounds, server: MailServer
) -> None:
    """It was refused for now; at the next attempt Slack can show the card again."""
    await rounds.world.submit(HARD)
    server.to_recipients.extend([GREYLISTED] * 2)
    await rounds.slack_is(away=True, span=11 * MINUTE)
    await look_and_send(rounds)
    await rounds.slack_is(away=False)
    await rounds.outage.tick()
    await rounds.later()
    assert server.got == []
    assert {why for *_, why in await rounds.mails()} == {"Slack can be reached again"}
    await rounds.slack_is(away=True, span=11 * MINUTE)
    await look_and_send(rounds)
    await rounds.later()
    assert sorted(server.recipients) == SENIORS


async def test_a_mail_that_may_have_arrived_is_not_sent_again_if_slack_is_back(
    rounds: MailRounds, server: MailServer
) -> None:
    await rounds.world.people_are({user: one for user, one in people().items() if user != SVEN})
    await rounds.world.submit(HARD)
    server.to_texts.append(CUT)
    await rounds.slack_is(away=True, span=11 * MINUTE)
    await look_and_send(rounds)
    await rounds.slack_is(away=False)
    await rounds.later()
    why = "no answer came when it was sent, and it is not sent again: Slack can be reached again"
    assert await rounds.mails() == [(SENTA, "dead", why)]
    assert server.recipients == ["senta@example.com"]


async def test_only_packages_that_have_changed_are_read_again_while_the_outage_goes_on(rounds: MailRounds) -> None:
    """Ten thousand may wait, and each minute has twelve ticks."""
    states = [await rounds.world.submit(HARD) for _ in range(3)]
    await rounds.slack_is(away=True, span=11 * MINUTE)
    await rounds.outage.tick()
    with packages_read(rounds) as read:
        await rounds.outage.tick()
        await rounds.outage_goes_on()
    unchanged = list(read)
    await rounds.world.after(ask(ClaimTask, states[1]), SVEN)
    with packages_read(rounds) as read:
        await rounds.outage.tick()
        within_the_minute = list(read)
        await rounds.outage_goes_on()
    assert (unchanged, within_the_minute, read) == ([], [], [states[1].decision_package_id])


async def test_all_packages_are_read_again_every_ten_minutes(rounds: MailRounds, server: MailServer) -> None:
    """Somebody was away, and is back: nothing else has changed."""
    now = rounds.world.clock()
    await rounds.world.write(lambda connection: begin_absence(connection, SVEN, now + 5 * MINUTE, None, now))
    await rounds.world.submit(HARD)
    await rounds.slack_is(away=True, span=11 * MINUTE)
    await look_and_send(rounds)
    before = list(server.recipients)
    for _ in range(10):
        await rounds.outage_goes_on()
    await rounds.send()
    assert (before, server.recipients) == (["senta@example.com"], SENIORS)


@contextmanager
def packages_read(rounds: MailRounds) -> Iterator[list[str]]:
    """The packages whose state is read meanwhile."""
    engine, read = rounds.world.store.database.engine, list[str]()

    def note(_connection: Any, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
        of_statement = values.values() if isinstance(values, dict) else values
        read.extend(str(one) for one in of_statement if "packages.state" in statement and str(one).startswith("pkg_"))

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield read
    finally:
        event.remove(engine, "before_cursor_execute", note)


# ---- when Slack is away


async def test_slack_is_not_away_while_one_replica_reaches_it(rounds: MailRounds) -> None:
    await rounds.slack_is(away=True, span=11 * MINUTE)
    await _beats(rounds, "p2", since=20, unreached=None)
    assert await _away_since(rounds) is None


async def test_slack_is_away_since_the_last_replica_lost_it(rounds: MailRounds) -> None:
    await _beats(rounds, "p1", since=60, unreached=30)
    await _beats(rounds, "p2", since=60, unreached=20)
    assert await _away_since(rounds) == 20


async def test_a_replica_that_starts_during_the_outage_does_not_shorten_it(rounds: MailRounds) -> None:
    """The one before it has ended, and knew since when."""
    await _beats(rounds, "p1", since=60, unreached=30, alive=5)
    await _beats(rounds, "p2", since=4, unreached=4)
    assert await _away_since(rounds) == 30


async def test_a_replica_that_has_not_looked_yet_does_not_end_the_outage(rounds: MailRounds) -> None:
    await _beats(rounds, "p1", since=60, unreached=30)
    sign = SignOfLife(rounds.world.tenant_id, "p2", rounds.world.clock(), None, 0, looked=False)
    await rounds.world.write(partial(presence.record_sign_of_life, sign=sign))
    assert await _away_since(rounds) == 30


async def test_people_who_become_able_during_the_outage_are_told(rounds: MailRounds, server: MailServer) -> None:
    without = people(USVEN={"email": None})
    await rounds.world.people_are(without)
    await rounds.world.submit(HARD)
    await rounds.slack_is(away=True, span=11 * MINUTE)
    await look_and_send(rounds)
    before = list(server.recipients)
    await rounds.world.people_are(people())
    await rounds.outage_goes_on()
    await rounds.send()
    assert (before, server.recipients) == (["senta@example.com"], SENIORS)


async def test_a_service_that_never_reached_slack_counts_from_its_start(rounds: MailRounds) -> None:
    await _beats(rounds, "p1", since=12, unreached=12)
    assert await _away_since(rounds) == 12


async def test_while_no_replica_looks_slack_is_not_away(rounds: MailRounds) -> None:
    await _beats(rounds, "p1", since=60, unreached=30, alive=5)
    assert await _away_since(rounds) is None


async def _beats(rounds: MailRounds, process: str, *, since: int, unreached: int | None, alive: int = 0) -> None:
    """A replica that started and lost Slack so many minutes ago. `alive`: when it was last alive."""
    now, tenant = rounds.world.clock(), rounds.world.tenant_id
    begun = SignOfLife(tenant, process, now - since * MINUTE, None, 0, None)
    lost = now - unreached * MINUTE if unreached is not None else None
    for sign in (begun, begun._replace(now=now - alive * MINUTE, unreached=lost)):
        await rounds.world.write(partial(presence.record_sign_of_life, sign=sign))


async def _away_since(rounds: MailRounds) -> float | None:
    """Minutes."""
    now = rounds.world.clock()
    since = await rounds.world.read(
        lambda connection: presence.slack_away_since(connection, rounds.world.tenant_id, now)
    )
    return (now - since) / MINUTE if since else None


# ---- the app itself


async def test_admins_are_told_once_that_slack_refuses_the_app(rounds: MailRounds, server: MailServer) -> None:
    await _slack_refuses(rounds)
    await look_and_send(rounds)
    before = list(server.recipients)
    for _ in range(3):
        rounds.ahead += 61 * timedelta(seconds=1)
        await look_and_send(rounds)
    assert (before, server.recipients) == ([], ["adam@example.com"])
    assert server.only().subject == "Countersign cannot use Slack"
    assert "token_revoked" in server.only().text
    (event,) = await rounds.rows("SELECT event_type, actor FROM tenant_events WHERE event_type = 'person.mailed'")
    assert event == ("person.mailed", "auto")


async def test_admins_are_not_told_of_a_refusal_that_ended_at_once(rounds: MailRounds, server: MailServer) -> None:
    await _slack_refuses(rounds)
    await look_and_send(rounds)
    now = rounds.now()
    await rounds.world.write(
        lambda connection: troubles.end_troubles(connection, rounds.world.tenant_id, troubles.APP, now=now)
    )
    rounds.ahead += 2 * MINUTE
    await look_and_send(rounds)
    assert server.got == []
    assert await rounds.needs() == [(ADAM, "uninstalled", "dropped", "Slack lets the app work again")]


async def test_a_mail_about_slacks_refusal_leaves_what_it_was_to_tell_before_to_the_next_mail(
    database_url: str, server: MailServer
) -> None:
    """Its first text told that a package waits, and never left."""
    senta_is_admin = policy(**LASTING, admins=[SENTA])
    async with open_world(database_url, senta_is_admin) as world, open_mail_rounds(world, server) as rounds:
        await world.people_are({user: one for user, one in people().items() if user in (SENTA, ROSE, OWEN)})
        server.to_recipients.append(GREYLISTED)
        state = await world.submit(HARD)
        await rounds.slack_is(away=True, span=11 * MINUTE)
        await look_and_send(rounds)
        await _slack_refuses(rounds)
        await rounds.outage.tick()
        await rounds.later(2 * MINUTE)
        recorded = (await world.state(state.decision_package_id)).mailed
        await rounds.later()
        mailed = (await world.state(state.decision_package_id)).mailed
    assert [mail.subject for mail in server.got] == ["Countersign cannot use Slack", "A decision waits for you"]
    assert (recorded, [mail.digest for mail in mailed]) == ((), [digest_of(server.got[1])])


def digest_of(mail: Received) -> str:
    return "sha256:" + sha256(mail.raw).hexdigest()


async def _slack_refuses(rounds: MailRounds) -> None:
    tenant, now = rounds.world.tenant_id, rounds.now()
    await rounds.world.write(
        lambda connection: troubles.record_trouble(connection, tenant, troubles.APP, error="token_revoked", now=now)
    )


# ---- two replicas


async def test_two_replicas_that_see_the_outage_send_one_mail(rounds: MailRounds, server: MailServer) -> None:
    await rounds.world.submit(HARD)
    await rounds.slack_is(away=True, span=11 * MINUTE)
    async with replica(rounds.world) as other:
        beside = type(rounds.outage)(other.store, rounds.now)
        await beside.tick()
        await rounds.outage.tick()
        await type(rounds.opener)(other.store, rounds.now).tick()
        await rounds.send()
    assert sorted(server.recipients) == SENIORS
