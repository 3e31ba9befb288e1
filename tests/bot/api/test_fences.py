"""What an agent's key can reach, and what no key can reach."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest

from bot.api import handlers, operations
from bot.api.description import docs
from bot.api.description.openapi import openapi_document
from bot.api.threads import handlers as threads
from bot.api.threads import handoff_handlers
from rules.package.model import DecisionPackage
from rules.people.directory import ActorKind, AgentStanding
from rules.state.commands import Approve, Verb
from rules.verbs.table import VERBS
from store.agents import agent_admin
from tests.bot.service import SOFT, AgentApi
from tests.rules.world import DAY, HOUR, RITA

# All routes for agents, and all open routes. No other route may exist.
OF_AGENTS = {
    ("post", "/v1/packages"): "submit",
    ("get", "/v1/packages"): "list",
    ("get", "/v1/packages/{id}"): "read",
    ("post", "/v1/packages/{id}/versions"): "newVersion",
    ("post", "/v1/packages/{id}/cancel"): "cancel",
    ("post", "/v1/packages/{id}/execution"): "execute",
    ("get", "/v1/packages/{id}/events"): "events",
    ("get", "/v1/packages/{id}/messages"): "messages",
    ("post", "/v1/packages/{id}/messages"): "say",
    ("get", "/v1/threads/{thread_id}"): "readThread",
    ("post", "/v1/threads/{thread_id}/checkpoints"): "reportCheckpoint",
    ("get", "/v1/threads/{thread_id}/history"): "threadHistory",
    ("post", "/v1/handoffs"): "offerHandoff",
    ("get", "/v1/handoffs"): "listHandoffs",
    ("get", "/v1/handoffs/{handoff_id}"): "readHandoff",
    ("post", "/v1/handoffs/{handoff_id}/accept"): "acceptHandoff",
    ("post", "/v1/handoffs/{handoff_id}/decline"): "declineHandoff",
    ("post", "/v1/handoffs/{handoff_id}/return"): "returnHandoff",
}
OPEN = {("get", path) for path in ("/healthz", "/readyz", "/metrics", "/openapi.json", "/docs")}


def test_only_the_routes_of_the_contract_exist() -> None:
    described = {
        (method, path): operation
        for path, methods in openapi_document()["paths"].items()
        for method, operation in methods.items()
    }
    assert {
        route: operation["operationId"] for route, operation in described.items() if operation["security"]
    } == OF_AGENTS
    assert {route for route, operation in described.items() if not operation["security"]} == OPEN


def test_every_served_route_is_described() -> None:
    served = {
        (route.method.lower(), route.path)
        for route in (*handlers.ROUTES, *threads.ROUTES, *handoff_handlers.ROUTES, *operations.ROUTES, *docs.ROUTES)
    }
    assert served == set(OF_AGENTS) | OPEN


def test_no_field_that_an_agent_can_send_names_a_decision() -> None:
    sent = {
        *DecisionPackage.model_fields,
        "expected_package_version",
        "reason",
        "state",
        "claim_id",
        "action_digest",
        "detail",
    }
    decisive = {"decision", "approve", "approved", "status", "level", "reviewer_id", "actor", "role", "quorum", "votes"}
    assert sent & decisive == set()


@pytest.mark.parametrize(
    "field",
    [
        "decision",
        "status",
        "approved",
        "may_proceed",
        "level",
        "reviewer_id",
        "actor",
        "agent_id",
        "owner",
        "tenant_id",
    ],
)
async def test_a_field_that_would_make_a_decision_is_unknown(api: AgentApi, field: str) -> None:
    assert (await api.submit(SOFT | {field: "approve"})).wrong == [field]


@pytest.mark.parametrize(
    "verb", sorted({spec.command.verb.value for spec in VERBS.values() if ActorKind.PERSON in spec.by})
)
async def test_no_route_accepts_a_persons_verb(api: AgentApi, verb: str) -> None:
    assert verb in Verb.__members__.values()
    response = await api.submit()
    answers = [
        await api.post(f"/v1/packages/{response.id}/{verb}", {"comment": "yes"}),
        await api.post(f"/v1/packages/{response.id}/decision", {"decision": verb}),
        await api.post(f"/v1/packages/{response.id}/execution", {"state": verb, "claim_id": "w"}),
    ]
    assert [answer.status for answer in answers] == [404, 404, 422]
    assert (await api.read(response)).body["revision"] == 1


@pytest.mark.parametrize("header", ["X-Slack-User", "X-Forwarded-User", "X-Actor", "X-Http-Method-Override"])
async def test_no_header_makes_an_agent_a_person(api: AgentApi, header: str) -> None:
    response = await api.submit()
    await api.cancel(response, headers={header: RITA})
    events = (await api.get(f"/v1/packages/{response.id}/events")).body["events"]
    assert events[-1]["actor"].startswith("agt_")


async def test_another_agents_package_is_a_404(api: AgentApi) -> None:
    response = await api.submit(SOFT | {"thread_id": "thr_1"})
    await api.decide(Approve, response, by=RITA)
    before = (await api.read(response)).body
    other = await api.hire("Other")
    answers = [
        await api.read(response, key=other),
        await api.read(response, key=other, params={"wait": 1}),
        await api.version(response, key=other),
        await api.cancel(response, key=other),
        await api.claim(response, key=other),
        await api.post(
            f"/v1/packages/{response.id}/execution", {"state": "succeeded", "claim_id": "worker-1"}, key=other
        ),
        await api.get(f"/v1/packages/{response.id}/events", key=other),
    ]
    assert {answer.problem for answer in answers} == {(404, "not-found")}
    assert len({answer.text for answer in answers}) == 1
    assert (await api.get("/v1/packages", key=other)).body["packages"] == []
    assert (await api.read(response)).body == before


async def test_another_agents_package_looks_like_an_unknown_one(api: AgentApi) -> None:
    response = await api.submit()
    other = await api.hire("Other")
    assert (await api.read(response, key=other)).text == (await api.get("/v1/packages/pkg_0", key=other)).text


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Bearer",
        "Bearer ",
        "Bearer csk_wrong",
        "Basic Y2xlcms6eA==",
        "csk_x",
        "Bearer clé",
        "Bearer \ud83d\ude00".encode("utf-8", "surrogatepass").decode("latin-1"),
    ],
    ids=["nothing", "no key", "an empty key", "a wrong key", "another scheme", "no scheme", "an accent", "an emoji"],
)
async def test_every_agent_route_requires_a_valid_key(api: AgentApi, authorization: str) -> None:
    ids = {"id": "pkg_0", "thread_id": "case-456", "handoff_id": "hof_0"}
    # All at once, because the answers to wrong keys are delayed.
    responses = await asyncio.gather(
        *(
            api.call(method.upper(), path.format_map(ids), headers={"Authorization": authorization})
            for method, path in OF_AGENTS
        )
    )
    assert [response.problem for response in responses] == [(401, "unauthenticated")] * len(OF_AGENTS)
    assert {response.headers["WWW-Authenticate"] for response in responses} == {"Bearer"}


async def test_an_unknown_key_and_a_missing_key_get_different_details(api: AgentApi) -> None:
    wrong, none = (
        await api.get("/v1/packages", key="csk_wrong"),
        await api.get("/v1/packages", headers={"Authorization": ""}),
    )
    assert (wrong.status, wrong.body["type"]) == (none.status, none.body["type"])
    assert wrong.body["detail"].startswith("No agent has this key: it may have been replaced or revoked")
    assert none.body["detail"].startswith("Send the agent's key")


async def test_the_scheme_may_be_written_in_any_case(api: AgentApi) -> None:
    assert (await api.get("/v1/packages", headers={"Authorization": f"bearer {api.key}"})).status == 200


async def test_a_rotated_key_works_until_its_overlap_ends_over_http(api: AgentApi) -> None:
    until = api.clock() + HOUR
    fresh = await api.world.write(
        lambda connection: agent_admin.rotate_credentials(connection, "Clerk", api.clock(), old_until=until)
    )
    assert [(await api.get("/v1/packages", key=key)).status for key in (api.key, fresh.key)] == [200, 200]
    api.clock.passes(HOUR)
    assert [(await api.get("/v1/packages", key=key)).status for key in (api.key, fresh.key)] == [401, 200]


async def test_a_revoked_agents_key_is_a_401(api: AgentApi) -> None:
    await api.pause(standing=AgentStanding.REVOKED)
    assert (await api.get("/v1/packages")).problem == (401, "unauthenticated")


async def test_a_paused_agent_can_read_and_withdraw(api: AgentApi) -> None:
    response = await api.submit()
    await api.pause()
    assert (await api.read(response)).status == 200
    assert (await api.cancel(response)).body["status"] == "cancelled"


async def test_the_log_never_holds_a_key(api: AgentApi, capsys: pytest.CaptureFixture[str]) -> None:
    await api.submit()
    await api.get("/v1/packages", headers={"Authorization": "Bearer csk_wrong"})
    api.clock.passes(DAY)
    written = capsys.readouterr()
    assert re.findall("csk_", written.out + written.err) == []


async def test_open_routes_reveal_no_agent_and_no_package(api: AgentApi) -> None:
    response = await api.submit()
    pages: list[Any] = [(await api.get(path)).text for _, path in OPEN]
    assert [page for page in pages if response.id in page or "Clerk" in page or api.key in page] == []
