"""A running service, called over HTTP as agents do. People decide without Slack here.

`AgentApi.call` checks every answer against the API's own description: it fails if `bot.api.description.routes` does not list the answer,
or if its body differs from the model in `bot.api.description.shapes`.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from yarl import URL

from bot.api.description import routes
from bot.api.description.route import Route
from bot.api.description.shapes import Problem
from bot.api.problem_types import TYPE, name_of, status_of
from bot.api.problems import MEDIA
from bot.running import RunningService, run_service
from bot.settings import read_settings
from rules.people.agent_keys import KeyScope, Rates
from rules.people.directory import AgentStanding, Person
from rules.state.commands import Command
from rules.state.model import PackageState
from store.agents import agent_admin
from store.agents.agent_admin import FULL_SCOPE
from store.installation import directory
from store.installation.tenancy import set_frozen
from tests.rules.world import OWEN, ROSE, ask, people
from tests.store.world import Clock, World

POLICY = """
version = "test-1"
admins = ["UADAM"]

[roles.reviewer]
members = ["URITA", "UROSS"]
max_risk = "medium"

[roles.senior_reviewer]
members = ["USENTA", "USVEN"]
includes = ["reviewer"]
max_risk = "high"

[roles.supervisor]
members = ["USUSI", "USAUL", "USILA"]
includes = ["senior_reviewer"]
max_risk = "critical"

[tiers.medium]
ladder = ["senior_reviewer", "supervisor"]

[tiers.high]
ladder = ["supervisor"]

[tiers.critical]
ladder = []

[directory]
max_age = "1000d"

[actions]
"record.read" = { reversibility = "reversible" }
"record.note" = { reversibility = "reversible", floor = "notify_only" }
"payment.send" = { reversibility = "irreversible_high" }
"audit.write" = { reversibility = "reversible", role = "auditor" }

[roles.auditor]
members = ["UNOBODY"]
"""

# Complete enough for every risk level.
SOFT: dict[str, Any] = {
    "title": "Read the record",
    "action_type": "record.read",
    "action_parameters": {"record": "42"},
    "proposed_action": "Read record 42.",
    "rationale": "The customer asked for it.",
    "risk_level": "medium",
    "confidence": 0.95,
    "requested_by": ROSE,
    "evidence_refs": ["doc_1"],
    "known_uncertainties": ["The record may be old."],
    "side_effect_preview": {"reads": 1},
    "consequence": "Nothing changes.",
    "policy_basis": ["P-1"],
}
AUTOMATIC = SOFT | {"risk_level": "low"}
FOR_ITS_OWNER = AUTOMATIC | {"requested_by": None}  # names nobody who must be in the directory
HARD = SOFT | {"risk_level": "high"}
CRITICAL = SOFT | {"risk_level": "critical"}
TAKEOVER = SOFT | {"recommendation": "escalate"}


@dataclass(frozen=True)
class Response:
    """The status, headers and body of an answer."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def body(self) -> Any:
        return json.loads(self.text)

    @property
    def id(self) -> str:
        return str(self.body["decision_package_id"])

    @property
    def kind(self) -> str:
        return str(self.body["type"]).removeprefix(TYPE)

    @property
    def problem(self) -> tuple[int, str]:
        return self.status, self.kind

    @property
    def wrong(self) -> list[str]:
        return [error["field"] for error in self.body["errors"]]


class AgentApi:
    def __init__(self, running: RunningService, clock: Clock, http: aiohttp.ClientSession) -> None:
        service = running.service
        self.running, self.clock, self.http = running, clock, http
        self.url, self.store, self.metrics = running.url, service.store, service.metrics
        self.world = World(service.settings.database_url, self.store, clock)
        self.key = ""

    async def hire(self, name: str, scope: KeyScope = FULL_SCOPE, owner: str = OWEN, **rates: int) -> str:
        limits = Rates(**rates)
        credentials = await self.world.write(
            lambda connection: agent_admin.add_agent(connection, name, owner, self.clock(), scope=scope, rates=limits)
        )
        return credentials.key

    async def people_are(self, everybody: dict[str, Person]) -> None:
        await self.world.write(
            lambda connection: directory.replace_directory(connection, everybody.values(), {}, as_of=self.clock())
        )

    async def call(self, method: str, path: str | URL, key: str | None = None, **options: Any) -> Response:
        options["headers"] = {"Authorization": f"Bearer {key or self.key}"} | options.get("headers", {})
        async with self.http.request(method, path, **options) as answer:
            response = Response(answer.status, answer.headers, await answer.text())
        assert_promised(method, path.path if isinstance(path, URL) else path, response)
        return response

    async def get(self, path: str, **options: Any) -> Response:
        return await self.call("GET", path, **options)

    async def post(self, path: str, body: Any = None, **options: Any) -> Response:
        return await self.call("POST", path, json=body, **options)

    async def submit(
        self, package: Mapping[str, Any] = SOFT, idempotency_key: str | None = None, **options: Any
    ) -> Response:
        headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
        return await self.post("/v1/packages", package, headers=headers, **options)

    async def read(self, response: Response, **options: Any) -> Response:
        return await self.get(f"/v1/packages/{response.id}", **options)

    async def version(
        self, response: Response, package: Mapping[str, Any] = SOFT, expected: float = 1, **options: Any
    ) -> Response:
        body = {**package, "expected_package_version": expected}
        return await self.post(f"/v1/packages/{response.id}/versions", body, **options)

    async def cancel(self, response: Response, reason: str = "No longer needed.", **options: Any) -> Response:
        return await self.post(f"/v1/packages/{response.id}/cancel", {"reason": reason}, **options)

    async def claim(
        self, response: Response, claim_id: str = "worker-1", digest: str | None = None, **options: Any
    ) -> Response:
        body = {"state": "claimed", "claim_id": claim_id, "action_digest": digest or response.body["action_digest"]}
        return await self.post(f"/v1/packages/{response.id}/execution", body, **options)

    async def report(
        self, response: Response, state: str = "succeeded", claim_id: str = "worker-1", **fields: Any
    ) -> Response:
        return await self.post(
            f"/v1/packages/{response.id}/execution", {"state": state, "claim_id": claim_id, **fields}
        )

    async def state(self, response: Response) -> PackageState:
        return await self.world.state(response.id)

    async def decide(self, kind: type[Command], response: Response, by: str, **fields: Any) -> None:
        """Carry out a person's decision, as a click would."""
        await self.world.after(ask(kind, await self.state(response), **fields), by)

    async def freeze(self, *, frozen: bool = True) -> None:
        await self.world.write(
            lambda connection: set_frozen(connection, frozen=frozen, actor="operator", now=self.clock())
        )

    async def pause(self, name: str = "Clerk", standing: AgentStanding = AgentStanding.PAUSED) -> None:
        await self.world.write(lambda connection: agent_admin.set_standing(connection, name, standing, self.clock()))

    async def time(self, kind: type[Command], response: Response) -> None:
        """Carry out a command of the clock."""
        await self.world.after(ask(kind, await self.state(response)))


def assert_promised(method: str, path: str, response: Response) -> None:
    """Check that the API's own description lists this answer for this route."""
    route = _route(method, path)
    answer = next((listed for listed in route.answers if listed.status == response.status), None) if route else None
    if answer is None:
        _assert_problem(route, response)
        return
    assert {name for name in answer.headers if not name.endswith("?")} <= response.headers.keys()
    if not isinstance(answer.body, str):
        assert response.headers["Content-Type"].startswith("application/json")
        answer.body.model_validate_json(response.text)


def _assert_problem(route: Route | None, response: Response) -> None:
    assert response.headers["Content-Type"].startswith(MEDIA), response
    problem = Problem.model_validate_json(response.text)
    assert problem.status == response.status
    kinds = {name_of(kind): kind for kind in route.problems} if route else {}
    assert response.kind in kinds or response.status in (404, 405), response
    assert not route or response.status == 405 or status_of(kinds[response.kind]) == response.status


def _route(method: str, path: str) -> Route | None:
    plain = path.partition("?")[0]
    matching = [route for route in routes.ROUTES if re.fullmatch(re.sub(r"{\w+}", "[^/]+", route.path), plain)]
    return next((route for route in matching if route.method == method.lower()), None)


@asynccontextmanager
async def open_api(url: str, folder: Path, policy_text: str = POLICY, **settings: Any) -> AsyncIterator[AgentApi]:
    policy = folder / "policy.toml"
    policy.write_text(policy_text)
    given = {
        "COUNTERSIGN_DATABASE_URL": url,
        "COUNTERSIGN_POLICY": policy,
        "COUNTERSIGN_PORT": 0,
        "_env_file": None,
        **settings,
    }
    clock = Clock()
    async with run_service(read_settings(**given), clock) as running, aiohttp.ClientSession(running.url) as http:
        api = AgentApi(running, clock, http)
        await api.people_are(people())
        api.key = await api.hire("Clerk")
        yield api
