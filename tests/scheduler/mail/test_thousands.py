"""However many packages wait, a person gets one mail, and few of the packages are read for it."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection, insert, select

from rules.mail.reasons import MailReason
from rules.scales import RiskLevel
from rules.state.model import Status
from store.mail.needs import NEEDS
from store.packages.packages import PACKAGES
from tests.mail_server import MailServer
from tests.rules.world import HARD, MINUTE, OWEN, ROSE, SENTA, package, people
from tests.scheduler.mail.rounds import MailRounds
from tests.scheduler.mail.test_outage import look_and_send, packages_read

pytestmark = pytest.mark.slow

MANY = 10_000
SENTA_ALONE = {user: person for user, person in people().items() if user in (SENTA, ROSE, OWEN)}


@pytest.fixture(autouse=True)
async def _senta_is_the_only_person_with_an_address(rounds: MailRounds) -> None:
    await rounds.world.people_are(SENTA_ALONE)


async def test_ten_thousand_packages_are_one_mail_that_reads_only_those_that_it_names(
    rounds: MailRounds, server: MailServer
) -> None:
    """The next one comes an hour later, and names the next twenty."""
    states = [await rounds.world.submit(HARD) for _ in range(20)]
    await _many_more_wait(rounds, RiskLevel.LOW)
    with packages_read(rounds) as read:
        await look_and_send_what_waits(rounds)
    for _ in range(5):
        await rounds.later(10 * MINUTE)
    assert [mail.subject for mail in server.got] == ["10020 decisions wait for you"]
    assert set(read) == {state.decision_package_id for state in states}
    assert await _due_again(rounds) == (MANY, 1)


async def test_the_riskiest_of_ten_thousand_is_named_although_it_came_last(
    rounds: MailRounds, server: MailServer
) -> None:
    await rounds.world.submit(HARD)
    await _many_more_wait(rounds, RiskLevel.MEDIUM)
    await rounds.world.submit(package(risk_level="high", title="Delete all tables"))
    await look_and_send_what_waits(rounds)
    assert "Delete all tables" in server.only().text


async def test_thousands_of_decided_packages_are_neither_counted_nor_read(
    rounds: MailRounds, server: MailServer
) -> None:
    states = [await rounds.world.submit(HARD) for _ in range(2)]
    await _many_more_wait(rounds, RiskLevel.HIGH, Status.REJECTED)
    with packages_read(rounds) as read:
        await look_and_send_what_waits(rounds)
    (ends,) = await rounds.rows("SELECT count(*) FROM mail_needs WHERE dropped LIKE 'it no longer waits%'")
    assert server.only().subject == "2 decisions wait for you"
    assert ends == (MANY,)
    assert set(read) == {state.decision_package_id for state in states}


async def look_and_send_what_waits(rounds: MailRounds) -> None:
    await rounds.slack_is(away=True, span=11 * MINUTE)
    await look_and_send(rounds)


async def _many_more_wait(rounds: MailRounds, risk: RiskLevel, status: Status = Status.PENDING) -> None:
    """Packages of this risk, of which the person is still to be told."""

    def write(connection: Connection) -> None:
        first = connection.execute(select(PACKAGES).limit(1)).one()._asdict()
        ids = [f"pkg_copy_{number}" for number in range(MANY)]
        copied = {"risk": risk.value, "status": status.value}
        connection.execute(insert(PACKAGES), [first | copied | {"package_id": package_id} for package_id in ids])
        need = {
            "tenant_id": rounds.world.tenant_id,
            "user_id": SENTA,
            "reason": MailReason.WAITING.value,
            "occasion": 1,
            "state": "due",
            "due_at": rounds.now() - MINUTE,
            "created_at": rounds.now() - MINUTE,
        }
        connection.execute(insert(NEEDS), [need | {"package_id": package_id} for package_id in ids])

    await rounds.world.write(write)


async def _due_again(rounds: MailRounds) -> tuple[int, int]:
    """How many needs still wait, and for how many moments."""
    ((needs, moments),) = await rounds.rows(
        "SELECT count(*), count(DISTINCT due_at) FROM mail_needs WHERE state = 'due'"
    )
    return needs, moments
