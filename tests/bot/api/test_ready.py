"""`/readyz` is 503 while the heartbeat cannot be written, and writes nothing itself."""

from __future__ import annotations

import pytest

import scheduler.time.heartbeat
from store.engine import engines
from tests.bot.slack.office import Office
from tests.store.notes import held_by_another

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture(autouse=True)
def _locks_are_given_up_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "LOCK_TIMEOUT", 0)


async def test_a_process_whose_heartbeat_cannot_be_written_is_not_ready(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert office.running.service.slack is not None
    heart = office.running.service.slack.clockwork.heart
    with held_by_another(office.world.url):
        assert (await office.get("/readyz")).status == 200  # it does not wait for the lock of a writer
        await heart.tick()
        assert (await office.get("/readyz")).status == 200
        monkeypatch.setattr(scheduler.time.heartbeat, "MUST_WRITE", 0.0)
        response = await office.get("/readyz")
        assert (response.status, response.body["ready"]) == (503, False)
        assert response.body["checks"] == {"database": "has taken no write of this process for 0 s"}
    await heart.tick()
    assert (await office.get("/readyz")).status == 200
