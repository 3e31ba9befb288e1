"""`/openapi.json` and `/docs`: valid, complete, true to what is served, and readable by people."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from openapi_spec_validator import OpenAPIV31SpecValidator
from pydantic import BaseModel

from bot import descriptions, requests
from bot.docs_page import page
from bot.openapi import document, problem_kinds
from bot.problem_types import TYPE, Fault, meaning_of, name_of
from bot.routes import ROUTES
from rules.package import DecisionPackage, Kind
from rules.reasons import Reason
from tests.bot.service import SOFT, Desk

SCHEMAS: dict[str, Any] = document()["components"]["schemas"]
OPERATIONS = [made for methods in document()["paths"].values() for made in methods.values()]
VOID = {"meta", "br", "wbr"}


def validator(name: str) -> Draft202012Validator:
    schema = {"$ref": f"#/components/schemas/{name}", "components": {"schemas": SCHEMAS}}
    return Draft202012Validator(schema)


def test_it_is_valid_openapi() -> None:
    OpenAPIV31SpecValidator(document()).validate()


@pytest.mark.parametrize("name", SCHEMAS)
def test_each_schema_is_a_valid_json_schema(name: str) -> None:
    Draft202012Validator.check_schema(SCHEMAS[name])


def references(schema: Any) -> set[str]:
    """The schemas that this one names anywhere."""
    inside = schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ()
    named = {schema["$ref"].rpartition("/")[2]} if isinstance(schema, dict) and "$ref" in schema else set()
    return named.union(*map(references, inside))


def test_no_schema_is_recursive() -> None:
    """openapi-python-client leaves out what refers to such a schema."""
    seen: set[str] = set()
    while settled := {name for name in SCHEMAS.keys() - seen if references(SCHEMAS[name]) <= seen}:
        seen |= settled
    assert seen == SCHEMAS.keys()


def test_links_pass_no_objects() -> None:
    """openapi-generator refuses a document in which one does."""
    links = [
        link for made in OPERATIONS for each in made["responses"].values() for link in each.get("links", {}).values()
    ]
    assert {field for link in links for field in link} == {"operationId", "parameters"}
    assert {type(value) for link in links for value in link["parameters"].values()} == {str}


def test_a_callback_shares_its_tag_with_no_operation() -> None:
    """openapi-generator writes one class for each tag: the callback's would replace that of the operations."""
    callback = document()["webhooks"]["package"]["post"]
    assert set(callback["tags"]).isdisjoint(tag for made in OPERATIONS for tag in made["tags"])


def test_every_route_lists_the_problems_that_any_request_can_come_to() -> None:
    of_agents = [set(route.problems) for route in ROUTES if route.of_agents]
    assert set.intersection(*of_agents) >= {Fault.UNAUTHENTICATED, Fault.UNAVAILABLE}
    with_body = [set(route.problems) for route in ROUTES if route.bodies]
    assert set.intersection(*with_body) >= {Fault.NOT_JSON, Fault.TOO_LARGE, Fault.INVALID}


def test_the_problem_types_are_listed_with_their_sentences() -> None:
    listed = {each["type"]: each["meaning"] for each in document()["x-problem-types"]}
    assert listed == {TYPE + name_of(kind): meaning_of(kind) for kind in problem_kinds()}
    assert listed[TYPE + "already-rejected"].startswith("Someone said no to exactly this action")


def test_no_two_problems_share_a_type() -> None:
    assert {each.value for each in Fault} & {each.value for each in Reason} == set()


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


def test_nothing_is_described_that_is_not_there() -> None:
    fields = {model.__name__: set(model.model_fields) for model in MODELS}
    described = {name: set(its) for name, its in descriptions.MODELS.items() if name in fields}
    described["DecisionPackage"] -= {"expected_package_version"}  # shares its words with NewVersionRequest
    assert described == fields


def test_every_example_is_what_its_schema_says() -> None:
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
def test_what_a_kind_requires_is_said_by_the_schema_too(kind: Kind) -> None:
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
def test_what_the_service_refuses_the_schema_refuses_too(change: dict[str, Any]) -> None:
    assert validator("DecisionPackage").is_valid(SOFT)
    assert not validator("DecisionPackage").is_valid(SOFT | change)


async def test_it_is_served_as_it_is_made(desk: Desk) -> None:
    told = await desk.get("/openapi.json")
    assert told.body == document()


async def test_the_page_is_served_and_may_load_and_run_nothing(desk: Desk) -> None:
    told = await desk.get("/docs")
    assert told.headers["Content-Type"] == "text/html; charset=utf-8"
    assert told.headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'unsafe-inline'")
    assert told.text == page()


class Read(HTMLParser):
    """A page taken apart: its links, its anchors, and whether each element ends where it should."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []
        self.anchors: list[str] = []
        self.tags: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.open += [] if tag in VOID else [tag]
        self.tags.add(tag)
        self.links += [link for link in (given.get("href"), given.get("src")) if link]
        self.anchors += [name for name in [given.get("id")] if name]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_well_formed_and_needs_nothing_from_elsewhere() -> None:
    read = Read(page())
    assert read.open == []
    assert read.tags & {"script", "img", "link", "iframe", "form"} == set()
    assert {link for link in read.links if not link.startswith("#")} == {"/openapi.json"}
    assert "http" not in re.sub(r"https?://(example\.com|127\.0\.0\.1)", "", page())


def test_every_link_on_the_page_leads_somewhere() -> None:
    read = Read(page())
    assert {link[1:] for link in read.links if link.startswith("#")} <= set(read.anchors)
    assert len(read.anchors) == len(set(read.anchors))


def test_the_page_holds_every_route_field_and_problem() -> None:
    text = page()
    assert [made["operationId"] for made in OPERATIONS if f'id="{made["operationId"]}"' not in text] == []
    assert [name for name in SCHEMAS if f'id="{name}"' not in text] == []
    assert [kind for kind in problem_kinds() if f'id="p-{name_of(kind)}"' not in text] == []
    assert [field for field in DecisionPackage.model_fields if f"<code>{field}</code>" not in text] == []


def test_the_page_shows_each_post_as_a_command() -> None:
    commands = re.findall(r"curl -s [^<]+", page())
    assert len([each for each in commands if "-d" in each]) == sum(len(route.examples) for route in ROUTES)
