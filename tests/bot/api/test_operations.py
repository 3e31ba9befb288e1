"""Health, readiness and metrics, and errors outside the API."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy.exc import OperationalError

from bot.api import operations
from rules.policy.parse import read_policy
from store.commands.policies import PolicyFile, activate_policy
from store.engine.workers import UnavailableError
from tests.bot.service import AUTOMATIC, HARD, POLICY, AgentApi
from tests.rules.world import DAY


async def test_healthz_answers_ok(api: AgentApi) -> None:
    assert (await api.get("/healthz")).body == {"status": "ok"}


async def test_readyz_names_the_policy_in_force(api: AgentApi) -> None:
    response = await api.get("/readyz")
    assert response.body["ready"] is True
    assert response.body["checks"] == {"database": "ok", "directory": "fresh", "policy": "in force"}
    assert response.body["posture"]["policy_version"].startswith("test-1")
    assert response.body["posture"]["frozen"] is False
    assert response.body["posture"]["slack"] == "not configured"


async def test_readyz_says_how_to_apply_a_file_that_is_not_in_force(api: AgentApi) -> None:
    other = POLICY.replace("test-1", "test-2")
    file = PolicyFile(read_policy(other), other)
    await api.world.write(lambda connection: activate_policy(connection, file, api.clock()))
    response = await api.get("/readyz")
    assert (response.status, response.body["posture"]["policy_version"]) == (200, file.policy.full_version)
    assert response.body["checks"]["policy"] == (
        "The file of COUNTERSIGN_POLICY is not in force. To put it in force, run: countersign policy apply FILE --again"
    )


async def test_readyz_reports_a_freeze_and_a_stale_directory(api: AgentApi) -> None:
    await api.freeze()
    api.clock.passes(1001 * DAY)
    response = await api.get("/readyz")
    assert (response.status, response.body["posture"]["frozen"]) == (200, True)
    assert response.body["checks"]["directory"] == "stale: nobody can decide"


async def test_the_service_lives_but_is_not_ready_without_its_database(
    api: AgentApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object, **__: object) -> None:
        raise UnavailableError("connection refused") from OperationalError("", {}, Exception())

    monkeypatch.setattr(api.store.database, "read", away)
    monkeypatch.setattr(api.store.database, "write", away)
    assert (await api.get("/readyz")).status == 503
    assert (await api.get("/healthz")).status == 200
    response = await api.submit()
    assert response.problem == (503, "unavailable")
    assert response.headers["Retry-After"] == "2"


async def test_the_service_is_not_ready_if_its_database_hangs(api: AgentApi, monkeypatch: pytest.MonkeyPatch) -> None:
    async def hangs(*_: object, **__: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(operations, "DATABASE_TIMEOUT", 0.05)
    monkeypatch.setattr(api.store.database, "read", hangs)
    response = await api.get("/readyz")
    assert (response.status, response.body["checks"]) == (503, {"database": "does not answer"})


async def test_an_internal_error_is_logged_in_full_and_hidden_from_the_agent(
    api: AgentApi, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def broken(*_: object, **__: object) -> None:
        raise RuntimeError("a secret of the house")

    monkeypatch.setattr(api.store, "list_documents", broken)
    response = await api.get("/v1/packages")
    assert response.problem == (500, "internal")
    assert "secret" not in response.text
    written = capsys.readouterr()
    assert "a secret of the house" in written.out + written.err


async def test_metrics_count_routes_and_verbs_and_never_ids(api: AgentApi) -> None:
    response = await api.submit(AUTOMATIC)
    await api.claim(response)
    await api.read(response)
    await api.submit(HARD, key="csk_wrong")
    page = (await api.get("/metrics")).text
    assert 'countersign_commands_total{outcome="done",verb="submit"} 1.0' in page
    assert 'countersign_commands_total{outcome="done",verb="claim_execution"} 1.0' in page
    assert 'countersign_http_request_seconds_count{method="GET",route="/v1/packages/{id}",status="200"} 1.0' in page
    assert "countersign_unauthenticated_total 1.0" in page
    assert "pkg_" not in page


async def test_unknown_methods_and_paths_share_one_label(api: AgentApi) -> None:
    await api.call("PROPFIND", "/teapot")
    await api.get("/" + "x" * 500)
    page = (await api.get("/metrics")).text
    assert 'method="other",route="unknown",status="404"' in page
    assert "xxx" not in page


async def test_an_unknown_path_is_a_404_that_names_the_docs(api: AgentApi) -> None:
    response = await api.get("/v2/packages")
    assert response.problem == (404, "not-found")
    assert "/docs" in response.body["detail"]


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
async def test_a_405_lists_the_allowed_methods(api: AgentApi, method: str) -> None:
    response = await api.call(method, "/v1/packages")
    assert response.problem == (405, "method-not-allowed")
    assert set(response.headers["Allow"].split(",")) == {"GET", "POST"}
