"""One policy for all replicas, whatever their files contain, and without a restart. Real processes on one PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import pytest
from sqlalchemy import text

from bot.slack.app import POLICY_UNREADABLE
from playground.client.outcomes import Outcome
from store.commands.policies import FILE_NOT_IN_FORCE
from store.installation.policy_texts import FIX
from tests.bot.service import SOFT
from tests.bot.slack.office import CHANNEL, POLICY, RITA, ROSS
from tests.machines.final_state import all_shown, ending, run_command
from tests.machines.fleet import Fleet, Replica, fleet

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)

STRICT = POLICY.replace("test-1", "strict-1").replace("[tiers.medium]", "[tiers.medium]\nquorum = 2")
LATER = STRICT.replace("strict-1", "later-1") + "\n[of_a_later_release]\nanything = true\n"


class Answer(NamedTuple):
    status: int
    body: Any
    headers: Mapping[str, str]


class Two:
    """Two replicas, and an agent that uses both."""

    def __init__(self, two_replicas: Fleet, http: aiohttp.ClientSession, folder: Path) -> None:
        self.fleet, self.http, self.folder = two_replicas, http, folder
        self.here, self.there = two_replicas.replicas

    def file(self, name: str, policy: str) -> str:
        path = self.folder / name
        path.write_text(policy)
        return str(path)

    async def request(self, replica: Replica, method: str, path: str, body: Any = None) -> Answer:
        async with self.http.request(method, f"{replica.url}{path}", json=body) as answer:
            return Answer(answer.status, await answer.json(), answer.headers)

    async def in_force(self, replica: Replica) -> tuple[str, str]:
        """The active version on this replica, and what `/readyz` reports about the file."""
        body = (await self.request(replica, "GET", "/readyz")).body
        return body["posture"]["policy_version"].partition("+")[0], body["checks"]["policy"]

    async def submit(self) -> str:
        posted = await self.request(self.here, "POST", "/v1/packages", SOFT)
        await all_shown(self.fleet)
        return f"/v1/packages/{posted.body['decision_package_id']}"

    async def click(self, user: str, at: Replica) -> Outcome:
        self.fleet.slack.app_at(f"{at.url}/slack/events")
        (card,) = [message for message in self.fleet.slack.messages(CHANNEL) if message.thread_ts is None]
        return await self.fleet.slack.click(user, card, "approve")

    async def approves(self, user: str, at: Replica) -> None:
        assert (await self.click(user, at)).ok

    async def is_told_that_nothing_was_decided(self, user: str, at: Replica) -> None:
        slack = self.fleet.slack
        await self.click(user, at)
        view = await slack.until(lambda: slack.modal(user))
        assert POLICY_UNREADABLE in view.shown
        await slack.close(user)

    async def with_votes(self, path: str, votes: int) -> Any:
        """Wait until this number of approvals counts, and return the package."""
        async with asyncio.timeout(20):
            while (body := (await self.request(self.here, "GET", path)).body)["interrupt"]["quorum"]["have"] < votes:
                pass
        return body


@asynccontextmanager
async def two(database_url: str, folder: Path) -> AsyncIterator[Two]:
    async with fleet(database_url, folder, size=2) as two_replicas:
        headers = {"Authorization": f"Bearer {two_replicas.key}"}
        async with aiohttp.ClientSession(headers=headers) as http:
            yield Two(two_replicas, http, folder)


def log_entries(replica: Replica, event: str) -> list[dict[str, Any]]:
    return [entry for entry in replica.log if entry["event"] == event]


async def test_two_replicas_with_different_files_use_one_policy_and_a_restart_activates_no_old_file(
    database_url: str, tmp_path: Path
) -> None:
    async with two(database_url, tmp_path) as two_replicas:
        path = await two_replicas.submit()
        await two_replicas.there.stop()
        await two_replicas.there.start(COUNTERSIGN_POLICY=two_replicas.file("strict.toml", STRICT))
        assert await two_replicas.in_force(two_replicas.there) == ("strict-1", "in force")
        assert await two_replicas.in_force(two_replicas.here) == ("strict-1", FILE_NOT_IN_FORCE)
        await two_replicas.approves(RITA, two_replicas.here)
        assert (await two_replicas.with_votes(path, 1))["status"] == "pending"
        await two_replicas.here.stop()
        await two_replicas.here.start()
        assert await two_replicas.in_force(two_replicas.here) == ("strict-1", FILE_NOT_IN_FORCE)
        (entry,) = log_entries(two_replicas.here, "policy.file_not_in_force")
        assert (entry["fix"], entry["in_force"].partition("+")[0]) == (FILE_NOT_IN_FORCE, "strict-1")
        await two_replicas.approves(ROSS, two_replicas.here)
        assert (await two_replicas.with_votes(path, 2))["decision"]["policy_version"].startswith("strict-1")


async def test_an_applied_policy_takes_effect_on_every_replica_without_a_restart(
    database_url: str, tmp_path: Path
) -> None:
    async with two(database_url, tmp_path) as two_replicas:
        path = await two_replicas.submit()
        code, entry = await run_command(
            two_replicas.fleet, "policy", "apply", two_replicas.file("strict.toml", STRICT), "--yes"
        )
        assert (code, entry.splitlines()[-1].partition("+")[0]) == (0, "applied: strict-1")
        await two_replicas.approves(RITA, two_replicas.there)
        body = await two_replicas.with_votes(path, 1)
        assert (body["status"], body["interrupt"]["quorum"]["needed"]) == ("pending", 2)
        await two_replicas.approves(ROSS, two_replicas.here)
        assert (await two_replicas.with_votes(path, 2))["decision"]["policy_version"].startswith("strict-1")
        async with ending(two_replicas.fleet) as end:
            assert await end.faults() == []


async def test_replicas_that_cannot_read_the_active_policy_are_not_ready_and_decide_nothing(
    database_url: str, tmp_path: Path
) -> None:
    async with two(database_url, tmp_path) as two_replicas:
        path = await two_replicas.submit()
        await a_later_release_applies(two_replicas, LATER)
        await two_replicas.there.stop()
        await two_replicas.there.start()
        for replica in two_replicas.fleet.replicas:
            ready = await two_replicas.request(replica, "GET", "/readyz")
            assert (ready.status, ready.body["ready"]) == (503, False)
            assert "of_a_later_release" in ready.body["checks"]["policy"]
            assert ready.body["checks"]["policy"].endswith(FIX)
            for method, where, body in (("POST", "/v1/packages", SOFT), ("GET", path, None)):
                refused = await two_replicas.request(replica, method, where, body)
                assert (refused.status, refused.body["type"].rpartition(":")[2]) == (503, "policy-unreadable")
                assert int(refused.headers["Retry-After"]) > 0
            await two_replicas.is_told_that_nothing_was_decided(RITA, replica)
            assert [entry["fix"] for entry in log_entries(replica, "policy.unreadable")] == [FIX]
        code, _ = await run_command(
            two_replicas.fleet, "policy", "apply", str(tmp_path / "policy.toml"), "--again", "--yes"
        )
        assert code == 0
        body = (await two_replicas.request(two_replicas.there, "GET", path)).body
        assert (body["status"], body["interrupt"]["quorum"]["have"]) == ("pending", 0)
        await two_replicas.approves(RITA, two_replicas.there)
        assert (await two_replicas.with_votes(path, 1))["status"] == "approved"


async def a_later_release_applies(two_replicas: Two, policy: str) -> None:
    """Like a later release: store a text that this release cannot read, and name it in the installation's row."""
    kept = text(
        "INSERT INTO policies (tenant_id, digest, version, text, first_used_at)"
        " SELECT tenant_id, 'sha256:later', 'later-1', :text, first_used_at FROM policies LIMIT 1"
    )
    async with ending(two_replicas.fleet) as end:
        await end.world.write(lambda connection: connection.execute(kept, {"text": policy}))
        named = text("UPDATE installation SET policy_digest = 'sha256:later'")
        await end.world.write(lambda connection: connection.execute(named))
