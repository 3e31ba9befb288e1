"""Builds `/openapi.json` (OpenAPI 3.1) from the route table, the request models and the response models.

Paths, answers and problems come from `routes`, schemas from pydantic, texts and examples from `descriptions`. Only the
frame is written here, so a new route or field needs no change in this module. `docs` serves the document.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from http import HTTPStatus
from itertools import groupby
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, models_json_schema

from bot.api.description.callback_shapes import CallbackBody, HandoffCallbackBody, ThreadCallbackBody
from bot.api.description.descriptions import ABOUT, MODELS
from bot.api.description.fragments import CALLBACK, HEADERS, IN_PATH, REQUEST_HEADERS
from bot.api.description.handoff_shapes import HandoffDocument, HandoffList, HandoffSummary, ListedHandoff
from bot.api.description.health_shapes import Health, Readiness
from bot.api.description.route import Answer, Route
from bot.api.description.routes import ROUTES
from bot.api.description.schema import JSON_OBJECT, REFERENCE, kind_conditions, with_json_limits
from bot.api.description.shapes import Events, Messages, Page, Problem, StatusDocument
from bot.api.description.thread_shapes import ThreadDocument, ThreadHistory
from bot.api.problem_types import TYPE, Fault, Kind, meaning_of, name_of, status_of, title_of
from bot.api.problems import MEDIA
from bot.api.requests import CancelRequest, ClaimRequest, MessageRequest, NewVersionRequest, ReportRequest
from bot.api.threads.requests import (
    CheckpointRequest,
    DeclineRequest,
    EmptyRequest,
    HandoffRequest,
    ReturnRequest,
)
from rules.package.model import DecisionPackage, ExceptionParameters, MemoryParameters

Json = dict[str, Any]

VERSION = "1.0"

_REQUESTS = (
    DecisionPackage,
    NewVersionRequest,
    CancelRequest,
    ClaimRequest,
    ReportRequest,
    CheckpointRequest,
    HandoffRequest,
    DeclineRequest,
    ReturnRequest,
    EmptyRequest,
    MessageRequest,
    MemoryParameters,
    ExceptionParameters,
)
_REPLIES = (
    StatusDocument,
    CallbackBody,
    ThreadCallbackBody,
    HandoffCallbackBody,
    Page,
    Messages,
    Events,
    ThreadDocument,
    ThreadHistory,
    HandoffSummary,
    ListedHandoff,
    HandoffDocument,
    HandoffList,
    Problem,
    Readiness,
    Health,
)

_PLACEHOLDER = re.compile(r"\{(\w+)\}")  # in the sentence of a problem


class _Untitled(GenerateJsonSchema):
    """Without titles, which would only repeat the names of the fields."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - pydantic's signature
        return False


@cache
def openapi_document() -> Json:
    """The whole document. It depends on nothing but the code, so each process builds it once."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Countersign",
            "version": VERSION,
            "summary": "The human control point of AI agents, in Slack.",
            "description": ABOUT,
            "license": {"name": "Apache 2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [
            {"name": "Packages", "description": "What agents use."},
            {"name": "Service", "description": "For operators and monitoring. No key is needed."},
        ],
        "paths": _paths(),
        "webhooks": {"package": {"post": CALLBACK}},
        "components": {
            "securitySchemes": {
                "agentKey": {"type": "http", "scheme": "bearer", "description": meaning_of(Fault.UNAUTHENTICATED)}
            },
            "schemas": _schemas(),
            "headers": HEADERS,
        },
        "x-problem-types": [_problem_type(kind) for kind in problem_kinds()],
    }


def problem_kinds() -> list[Kind]:
    """All problem types that any route can answer with, sorted by status."""
    kinds = {kind for route in ROUTES for kind in route.problems} | {Fault.METHOD_NOT_ALLOWED}
    return sorted(kinds, key=lambda kind: (status_of(kind), name_of(kind)))


def _problem_type(kind: Kind) -> Json:
    return {
        "type": TYPE + name_of(kind),
        "title": title_of(kind),
        "status": status_of(kind).value,
        "meaning": meaning_of(kind),
    }


def _schemas() -> Json:
    modes: list[tuple[Any, JsonSchemaMode]] = [(model, "validation") for model in _REQUESTS]
    modes += [(model, "serialization") for model in _REPLIES]
    schemas = models_json_schema(modes, ref_template=REFERENCE, schema_generator=_Untitled)[1]["$defs"]
    for name, fields in MODELS.items():
        for field, schema in schemas.get(name, {}).get("properties", {}).items():
            schema.setdefault("description", fields[field])
    schemas = with_json_limits(schemas) | {"JsonObject": JSON_OBJECT}
    for model in (DecisionPackage, NewVersionRequest):
        schemas[model.__name__] |= kind_conditions()
    main = [model.__name__ for model in (*_REQUESTS, *_REPLIES)]
    return {name: schemas[name] for name in dict.fromkeys((*main, *sorted(schemas)))}


def _paths() -> Json:
    paths: Json = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method] = _operation(route)
    return paths


def _operation(route: Route) -> Json:
    operation: Json = {
        "operationId": route.name,
        "summary": route.title,
        "tags": ["Packages" if route.of_agents else "Service"],
        "security": [{"agentKey": []}] if route.of_agents else [],
    }
    if route.text:
        operation["description"] = route.text
    if parameters := _parameters(route):
        operation["parameters"] = parameters
    if route.bodies:
        operation["requestBody"] = _request_body(route)
    return operation | {"responses": _responses(route)}


def _parameters(route: Route) -> list[Json]:
    parameters = [row for row in IN_PATH if f"{{{row['name']}}}" in route.path]
    if route.query:
        described = MODELS[route.query.__name__]
        shape = with_json_limits(route.query.model_json_schema(ref_template=REFERENCE, schema_generator=_Untitled))
        parameters += [
            {"name": name, "in": "query", "schema": _without_null(schema), "description": described[name]}
            for name, schema in shape["properties"].items()
        ]
    return parameters + [{"name": name, "in": "header", **REQUEST_HEADERS[name]} for name in route.takes]


def _without_null(schema: Json) -> Json:
    """Drop the null alternative: an optional query parameter is left out, never null."""
    choices = [choice for choice in schema.get("anyOf", ()) if choice != {"type": "null"}]
    return choices[0] if choices else schema


def _request_body(route: Route) -> Json:
    schemas = [_ref(body.__name__) for body in route.bodies]
    examples = {
        f"example{number}": {"summary": summary, "value": value}
        for number, (summary, value) in enumerate(route.examples)
    }
    schema = schemas[0] if len(schemas) == 1 else {"title": "ExecutionRequest", "oneOf": schemas}
    return {"required": True, "content": {"application/json": {"schema": schema, "examples": examples}}}


def _responses(route: Route) -> Json:
    responses = {str(answer.status): _response(answer) for answer in route.answers}
    kinds = sorted(route.problems, key=status_of)
    for status, group in groupby(kinds, key=status_of):
        responses.setdefault(str(status.value), _problem_response(status, group))
    return dict(sorted(responses.items()))


def _response(answer: Answer) -> Json:
    response: Json = {"description": answer.when}
    if answer.body:
        response["content"] = _content(answer)
    if answer.links:
        response["links"] = {name: _link(name) for name in answer.links}
    if answer.headers:
        response["headers"] = dict(_header(name) for name in answer.headers)
    return response


def _link(name: str) -> Json:
    return {"operationId": name, "parameters": {"id": "$response.body#/decision_package_id"}}


def _header(name: str) -> tuple[str, Json]:
    """A question mark after the name of a header means that not every answer has it."""
    bare = name.removesuffix("?")
    return bare, {**HEADERS[bare], "required": bare == name}


def _content(answer: Answer) -> Json:
    if isinstance(answer.body, str):
        kind = "object" if answer.body.endswith("json") else "string"
        return {answer.body: {"schema": {"type": kind}}}
    content: Json = {"schema": _ref(answer.body.__name__)}
    return {"application/json": content if answer.example is None else content | {"example": answer.example}}


def _problem_response(status: HTTPStatus, kinds: Iterable[Kind]) -> Json:
    kinds = list(kinds)
    types = [f"- `{name_of(kind)}`: " + _PLACEHOLDER.sub(r"*\1*", meaning_of(kind)) for kind in kinds]
    response: Json = {
        "description": "\n".join([f"{status.phrase}\n", *types]),
        "content": {MEDIA: {"schema": _ref("Problem"), "example": _problem_example(kinds[0])}},
        "x-problem-types": [TYPE + name_of(kind) for kind in kinds],
    }
    headers = {
        HTTPStatus.UNAUTHORIZED: ["WWW-Authenticate"],
        HTTPStatus.TOO_MANY_REQUESTS: ["Retry-After"],
        HTTPStatus.SERVICE_UNAVAILABLE: ["Retry-After"],
    }
    if status in headers:
        response["headers"] = dict(_header(name) for name in headers[status])
    return response


def _problem_example(kind: Kind) -> Json:
    return {
        "type": TYPE + name_of(kind),
        "title": title_of(kind),
        "status": status_of(kind).value,
        "detail": _PLACEHOLDER.sub("…", meaning_of(kind)),
    }


def _ref(name: str) -> Json:
    return {"$ref": REFERENCE.format(model=name)}
