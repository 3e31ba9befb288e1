"""A Python client that openapi-python-client generates from the document, used against the service."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from bot.api.openapi import openapi_document
from rules.state.commands import Approve
from tests.bot.service import SOFT, Desk, open_desk
from tests.rules.world import RITA

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

NAME = "generated_countersign"
# No formatter runs over the result, so that nothing but the document can be warned of.
CONFIG: dict[str, Any] = {"post_hooks": []}
PARAMETERS = {"record": "42", "lines": [{"sku": "A-1", "count": 2}], "note": None, "share": 0.5}


@pytest.fixture
async def desk(database_url: str, tmp_path: Path) -> AsyncIterator[Desk]:
    async with open_desk(database_url, tmp_path) as its:
        yield its


class Client:
    """The generated package: its operations and models by name."""

    def __init__(self, name: str, desk: Desk) -> None:
        self.name, self.models = name, importlib.import_module(f"{name}.models")
        self.http = importlib.import_module(f"{name}.client").AuthenticatedClient(base_url=desk.url, token=desk.key)

    def operation(self, name: str) -> ModuleType:
        return importlib.import_module(f"{self.name}.api.packages.{name}")

    async def call(self, name: str, *path: str, **fields: Any) -> Any:
        return await self.operation(name).asyncio_detailed(*path, client=self.http, **fields)

    def package(self, **fields: Any) -> Any:
        return self.models.DecisionPackage.from_dict(SOFT | fields)


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The name of the generated package, ready to be imported."""
    folder = tmp_path_factory.mktemp("client")
    generate(folder, NAME)
    sys.path.insert(0, str(folder))
    yield NAME
    sys.path.remove(str(folder))


def generate(folder: Path, name: str) -> None:
    """Fails on any warning: there is one for each operation or schema that is left out."""
    (folder / "openapi.json").write_text(json.dumps(openapi_document()))
    (folder / "config.json").write_text(json.dumps(CONFIG))
    run = subprocess.run(
        [
            *(sys.executable, "-m", "openapi_python_client", "generate", "--path", "openapi.json", "--fail-on-warning"),
            *("--meta", "none", "--output-path", name, "--config", "config.json"),
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "warning" not in (run.stdout + run.stderr).lower()


@pytest.fixture
async def client(desk: Desk, generated: str) -> AsyncIterator[Client]:
    its = Client(generated, desk)
    async with its.http:
        yield its


def operations(tag: str) -> set[str]:
    made = [each for methods in openapi_document()["paths"].values() for each in methods.values()]
    return {each["operationId"].lower() for each in made if tag in each["tags"]}


async def test_every_operation_and_every_schema_is_generated(client: Client) -> None:
    folder = Path(str(client.models.__file__)).parents[1] / "api" / "packages"
    files = {each.stem.strip("_").replace("_", "") for each in folder.glob("*.py")} - {"init"}
    assert files == operations("Packages")
    assert {name.lower() for name in openapi_document()["components"]["schemas"]} <= {
        each.lower() for each in dir(client.models)
    }


async def test_an_agent_submits_waits_claims_and_reads_what_was_approved(client: Client, desk: Desk) -> None:
    answer = await client.call("submit", body=client.package(action_parameters=PARAMETERS), idempotency_key="order-42")
    assert (answer.status_code, answer.parsed.status) == (202, "pending")
    package_id = answer.parsed.decision_package_id
    await desk.decide(Approve, await desk.get(f"/v1/packages/{package_id}"), by=RITA)

    decided = (await client.call("read", package_id, wait=1.0)).parsed
    assert decided.may_proceed
    assert decided.decision.action_parameters.to_dict() == PARAMETERS
    assert decided.decision.action_parameters["record"] == "42"

    claim = client.models.ClaimRequest(state="claimed", claim_id="w-1", action_digest=decided.action_digest)
    claimed = (await client.call("execute", package_id, body=claim)).parsed
    assert claimed.execution.state == "claimed"


async def test_a_refusal_is_read_as_a_problem(client: Client, desk: Desk) -> None:
    answer = await client.call("submit", body=client.package(title=" "))
    assert (answer.status_code, answer.parsed.type_) == (422, "urn:countersign:problem:invalid")
    assert [each.field for each in answer.parsed.errors] == ["title"]
    assert (await client.call("read", "pkg_0")).parsed.status == 404
