"""`/openapi.json` is valid, complete and matches the service; `/docs` embeds it and loads nothing else."""

from __future__ import annotations

import json
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from openapi_spec_validator import OpenAPIV31SpecValidator
from pydantic import BaseModel

from bot.api import requests
from bot.api.description import descriptions
from bot.api.description.openapi import openapi_document, problem_kinds
from bot.api.description.routes import ROUTES
from bot.api.problem_types import TYPE, Fault, meaning_of, name_of
from bot.api.problems import MEDIA
from rules.package.model import DecisionPackage, Kind
from rules.reasons import Reason
from tests.bot.service import SOFT, AgentApi

SCHEMAS: dict[str, Any] = openapi_document()["components"]["schemas"]
OPERATIONS = [operation for methods in openapi_document()["paths"].values() for operation in methods.values()]


def validator(name: str) -> Draft202012Validator:
    schema = {"$ref": f"#/components/schemas/{name}", "components": {"schemas": SCHEMAS}}
    return Draft202012Validator(schema)


def test_the_document_is_valid_openapi() -> None:
    OpenAPIV31SpecValidator(openapi_document()).validate()


@pytest.mark.parametrize("name", SCHEMAS)
def test_each_schema_is_a_valid_json_schema(name: str) -> None:
    Draft202012Validator.check_schema(SCHEMAS[name])


def references(schema: Any) -> set[str]:
    """The names of the schemas that this one refers to."""
    inside = schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ()
    named = {schema["$ref"].rpartition("/")[2]} if isinstance(schema, dict) and "$ref" in schema else set()
    return named.union(*map(references, inside))


def test_no_schema_is_recursive() -> None:
    """openapi-python-client leaves out everything that refers to a recursive schema."""
    seen: set[str] = set()
    while settled := {name for name in SCHEMAS.keys() - seen if references(SCHEMAS[name]) <= seen}:
        seen |= settled
    assert seen == SCHEMAS.keys()


def test_links_pass_only_strings() -> None:
    """openapi-generator refuses a document with a link that passes an object."""
    links = [
        link
        for operation in OPERATIONS
        for answer in operation["responses"].values()
        for link in answer.get("links", {}).values()
    ]
    assert {field for link in links for field in link} == {"operationId", "parameters"}
    assert {type(value) for link in links for value in link["parameters"].values()} == {str}


def test_a_callback_shares_its_tag_with_no_operation() -> None:
    """openapi-generator writes one class for each tag, so a shared tag would overwrite the operations."""
    callback = openapi_document()["webhooks"]["package"]["post"]
    assert set(callback["tags"]).isdisjoint(tag for operation in OPERATIONS for tag in operation["tags"])


def test_every_route_lists_the_common_problems() -> None:
    of_agents = [set(route.problems) for route in ROUTES if route.of_agents]
    assert set.intersection(*of_agents) >= {Fault.UNAUTHENTICATED, Fault.UNAVAILABLE}
    with_body = [set(route.problems) for route in ROUTES if route.bodies]
    assert set.intersection(*with_body) >= {Fault.NOT_JSON, Fault.TOO_LARGE, Fault.INVALID}


def test_the_problem_types_are_listed_with_their_sentences() -> None:
    listed = {kind["type"]: kind["meaning"] for kind in openapi_document()["x-problem-types"]}
    assert listed == {TYPE + name_of(kind): meaning_of(kind) for kind in problem_kinds()}
    assert listed[TYPE + "already-rejected"].startswith("Someone said no to exactly this action")


def test_no_two_problems_share_a_type() -> None:
    assert {fault.value for fault in Fault} & {reason.value for reason in Reason} == set()


MODELS: list[type[BaseModel]] = [
    DecisionPackage,
    requests.NewVersionRequest,
    requests.CancelRequest,
    requests.ClaimRequest,
    requests.ReportRequest,
    requests.WaitQuery,
    requests.ListQuery,
]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_field_of_a_request_is_described(model: type[BaseModel]) -> None:
    assert set(model.model_fields) <= set(descriptions.MODELS[model.__name__])


def test_only_existing_fields_are_described() -> None:
    fields = {model.__name__: set(model.model_fields) for model in MODELS}
    described = {name: set(texts) for name, texts in descriptions.MODELS.items() if name in fields}
    described["DecisionPackage"] -= {"expected_package_version"}  # shares its texts with NewVersionRequest
    assert described == fields


def test_the_ids_in_a_decision_are_described_by_what_they_name() -> None:
    fields = openapi_document()["components"]["schemas"]["Decision"]["properties"]
    assert "the reviewer was shown" in fields["rendering_id"]["description"]
    assert "exception" in fields["grant_id"]["description"]


def test_every_example_matches_its_schema() -> None:
    seen = 0
    for route in ROUTES:
        for answer in route.answers:
            for example in [answer.example] if answer.example else []:
                assert not isinstance(answer.body, str)
                answer.body.model_validate_json(json.dumps(example))
                assert validator(answer.body.__name__).is_valid(example)
                seen += 1
        for _, example in route.examples:
            assert [body for body in route.bodies if validator(body.__name__).is_valid(example)]
            seen += 1
    assert seen > 8


def test_every_example_of_a_problem_has_a_type_and_the_status_of_its_answer() -> None:
    for operation in OPERATIONS:
        for status, answer in operation["responses"].items():
            for content in [answer["content"][MEDIA]] if "x-problem-types" in answer else []:
                assert validator("Problem").is_valid(content["example"])
                assert content["example"]["type"] in answer["x-problem-types"]
                assert str(content["example"]["status"]) == status


FORMS: dict[Kind, Any] = {
    Kind.MEMORY: {"proposed_memory": "m", "source_refs": ["s"], "sensitivity": "low", "retention": "30d"},
    Kind.POLICY_EXCEPTION: {
        "policy_id": "p",
        "requested_exception": "e",
        "justification": "j",
        "expires_at": "2026-12-01T00:00:00Z",
    },
}


@pytest.mark.parametrize("kind", Kind)
def test_the_schema_requires_parameters_by_kind(kind: Kind) -> None:
    package = {name: value for name, value in SOFT.items() if name != "action_parameters"} | {"kind": kind.value}
    free = kind in (Kind.OUTPUT, Kind.PLAN, Kind.QUESTION)
    form = FORMS.get(kind, {"any": "thing"})
    check = validator("DecisionPackage")
    assert check.is_valid(package) is free
    assert check.is_valid(package | {"action_parameters": None}) is free
    assert check.is_valid(package | {"action_parameters": form})
    assert check.is_valid(package | {"action_parameters": {}}) is (kind not in FORMS)


@pytest.mark.parametrize(
    "change",
    [{"title": ""}, {"title": " "}, {"title": "a\x00"}, {"confidence": 2}, {"cost": {"amount": 1}}, {"colour": "red"},
     {"action_parameters": {"n": 2**53}}, {"metadata": {"t": "\x01"}}, {"callback_url": "ftp://x"}, {"callback_url": "https://u@x"}],
    ids=str,
)  # fmt: skip
def test_the_schema_refuses_what_the_service_refuses(change: dict[str, Any]) -> None:
    assert validator("DecisionPackage").is_valid(SOFT)
    assert not validator("DecisionPackage").is_valid(SOFT | change)


async def test_the_served_document_is_the_generated_one(api: AgentApi) -> None:
    response = await api.get("/openapi.json")
    assert response.body == openapi_document()


async def test_the_docs_page_runs_only_its_own_scripts_and_calls_only_this_service(api: AgentApi) -> None:
    response = await api.get("/docs")
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    policy = dict(
        directive.strip().split(" ", 1) for directive in response.headers["Content-Security-Policy"].split(";")
    )
    assert policy.pop("script-src").split() == [f"'sha256-{digest}'" for digest in ParsedPage(response.text).scripts]
    assert policy == {
        "default-src": "'none'",
        "style-src": "'unsafe-inline'",
        "img-src": "data:",
        "connect-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }


async def test_the_docs_page_embeds_the_document_and_loads_nothing(api: AgentApi) -> None:
    read = ParsedPage((await api.get("/docs")).text)
    assert json.loads(read.data) == openapi_document()
    assert read.loaded == ["data:,"]
    assert read.tags & {"img", "iframe", "form"} == set()


class ParsedPage(HTMLParser):
    """A parsed page: the digests of its scripts, its embedded data, and the URLs that it loads."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.scripts: list[str] = []
        self.data = ""
        self.loaded: list[str] = []
        self.tags: set[str] = set()
        self.script: str | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.add(tag)
        self.script = given.get("type") or "text/javascript" if tag == "script" else None
        self.loaded += [link for link in (given.get("href"), given.get("src")) if link and tag != "a"]

    def handle_data(self, data: str) -> None:
        if self.script == "application/json":
            self.data = data
        elif self.script:
            self.scripts.append(b64encode(sha256(data.encode()).digest()).decode())

    def handle_endtag(self, tag: str) -> None:
        self.script = None
