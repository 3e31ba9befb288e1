"""Malformed bodies: each is a 4xx that names the fault, and the service goes on."""

from __future__ import annotations

import asyncio
import gzip
import json
import zlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from yarl import URL

from bot.api.requests import MAX_BODY
from tests.bot.service import SOFT, AgentApi, Response

JSON = {"Content-Type": "application/json"}


async def send(api: AgentApi, body: bytes | str, path: str = "/v1/packages", **headers: str) -> Response:
    return await api.call("POST", path, data=body, headers=JSON | headers)


def padded_body(size: int) -> bytes:
    """A valid package of exactly this size, padded with white space."""
    body = json.dumps(SOFT).encode()
    return body + b" " * (size - len(body))


async def test_a_body_of_exactly_the_limit_is_accepted(api: AgentApi) -> None:
    assert (await send(api, padded_body(MAX_BODY))).status == 202


async def test_a_body_one_byte_over_the_limit_is_too_large(api: AgentApi) -> None:
    response = await send(api, padded_body(MAX_BODY + 1))
    assert response.problem == (413, "too-large")
    assert "256 KB" in response.body["detail"]


async def test_a_chunked_body_has_the_same_limit(api: AgentApi) -> None:
    async def chunks(size: int) -> AsyncIterator[bytes]:
        body = padded_body(size)
        for start in range(0, size, 50_000):
            yield body[start : start + 50_000]

    sent = [await api.call("POST", "/v1/packages", data=chunks(size)) for size in (MAX_BODY, MAX_BODY + 1)]
    assert [answer.status for answer in sent] == [202, 413]


NOT_JSON = [
    b"",
    b" ",
    b"{",
    b"}",
    b"{'title': 1}",
    b"title=x",
    b'{"title": "x",}',
    b'{"title": NaN}',
    b'{"confidence": Infinity}',
    b'{"confidence": -Infinity}',
    b'{"title": "\\ud800"}',
    b'{"title": "\\udc00\\ud800"}',
    b'{"\\ud800": 1}',
    b'{"title": "\x01"}',
    b'{"title": "\\x41"}',
    b'{"a": 01}',
    b'{"a": +1}',
    b'{"a": .5}',
    b'{"a": 1.}',
    b"{} {}",
    b'{"a": 1} // why',
    b"\x00",
    b"\xef\xbb\xbf{}",
    json.dumps(SOFT).encode("utf-16"),
    json.dumps(SOFT).encode("utf-16-le"),
    json.dumps(SOFT).encode("utf-32"),
    json.dumps(SOFT | {"title": "Ä"}, ensure_ascii=False).encode("latin-1"),
    b'{"title": "\xff"}',
    b'{"title": "\xed\xa0\x80"}',
    b'{"title": "\xc0\x80"}',
    b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
    b"[" * 100_000,
    b"[" * 100_000 + b"]" * 100_000,
]


async def test_a_body_that_is_not_json_in_utf_8_is_refused(api: AgentApi) -> None:
    answers = {body: (await send(api, body)).problem for body in NOT_JSON}
    assert {body[:30]: problem for body, problem in answers.items() if problem != (400, "not-json")} == {}


NO_OBJECTS = ["null", "true", "1", '"text"', "[]", '[{"title": "x"}]']


async def test_json_other_than_an_object_is_refused(api: AgentApi) -> None:
    paths = [f"/v1/packages{rest}" for rest in ("", "/pkg_0/versions", "/pkg_0/cancel", "/pkg_0/execution")]
    answers = [await send(api, body, path) for body in NO_OBJECTS for path in paths]
    assert {answer.problem for answer in answers} == {(422, "invalid")}


def with_raw(field: str, raw: str) -> str:
    """A valid package with one field as raw JSON."""
    body = json.dumps({name: value for name, value in SOFT.items() if name != field})[:-1]
    return f'{body}, "{field}": {raw}}}'


NO_SHARES = ["1.5", "-0.1", "1e308", "1" + "0" * 400, '"0.5"', "true", "null", "[]", "{}"]
NO_NUMBERS = ["1e999", "-1e999", "NaN", "-Infinity", "9" * 5000, "0x1", "1_000"]


async def test_a_confidence_outside_0_to_1_is_refused(api: AgentApi) -> None:
    answers = {raw: await send(api, with_raw("confidence", raw)) for raw in NO_SHARES + NO_NUMBERS}
    assert {raw for raw in NO_SHARES if answers[raw].wrong != ["confidence"]} == set()
    assert {raw for raw in NO_NUMBERS if answers[raw].status not in (400, 422)} == set()


NOT_TO_BE_SHOWN = [
    '{"n": 9007199254740992}',
    '{"n": -' + "9" * 400 + "}",
    '{"text": "\\u0000"}',
    '{"\\u0000": 1}',
    '{"a":' * 40 + "1" + "}" * 40,
    '{"list": ' + "[" * 40 + "]" * 40 + "}",
    '{"text": "' + "x" * 140_000 + '"}',
]


@pytest.mark.parametrize("field", ["action_parameters", "metadata", "side_effect_preview"])
async def test_json_beyond_the_limits_is_refused(api: AgentApi, field: str) -> None:
    answers = {raw: await send(api, with_raw(field, raw)) for raw in NOT_TO_BE_SHOWN}
    assert {raw[:30]: answer.text for raw, answer in answers.items() if answer.wrong != [field]} == {}


async def test_texts_without_visible_characters_are_refused(api: AgentApi) -> None:
    for text in ("\x00", "a\x00b", "\x1b[31m", "\x07", " ", "\u200b", ""):
        assert (await api.submit(SOFT | {"title": text})).wrong == ["title"]


WRONG: list[Any] = [None, True, 5, 1.5, "", "text", [], ["x"], {}, {"x": 1}, [[]], [None], [{}], "x" * 9000]


FIELDS = (
    *SOFT, "kind", "cost", "takeover", "dissent", "on_behalf_of", "data_classes", "allowed_decisions", "expires_at",
    "callback_url", "metadata", "interrupt_type", "recommendation", "reversibility", "idempotency_key", "thread_id",
)  # fmt: skip


async def test_a_value_of_another_type_is_refused_by_the_name_of_its_field(api: AgentApi) -> None:
    """Some values are valid for some fields: then the package is accepted, or refused by a rule."""
    answers = [(field, await api.submit(SOFT | {field: value})) for field in FIELDS for value in WRONG]
    assert {response.status for _, response in answers} <= {200, 202, 422}
    refused = [
        (field, response) for field, response in answers if response.status == 422 and response.kind == "invalid"
    ]
    assert len(refused) > len(answers) / 2
    assert [
        response.text for field, response in refused if {name.partition(".")[0] for name in response.wrong} != {field}
    ] == []


async def test_every_wrong_field_is_named_at_once(api: AgentApi) -> None:
    response = await api.submit(SOFT | {"title": 5, "confidence": 2, "colour": "red", "cost": {"amount": 1}})
    assert sorted(response.wrong) == ["colour", "confidence", "cost.currency", "title"]


async def test_every_missing_field_is_named(api: AgentApi) -> None:
    response = await api.post("/v1/packages", {})
    missing = ["action_parameters", "action_type", "confidence", "proposed_action", "rationale", "risk_level", "title"]
    assert sorted(response.wrong) == missing


async def test_some_of_very_many_wrong_fields_are_named_and_all_are_counted(api: AgentApi) -> None:
    response = await api.submit({f"{'x' * 300}{number}": 1 for number in range(500)})
    assert response.status == 422
    assert "506 more" in response.body["detail"]
    assert len(response.text) < 50_000


@pytest.mark.parametrize(
    "twice",
    [
        json.dumps(SOFT)[:-1] + ', "risk_level": "low"}',
        json.dumps(SOFT)[:-1] + ', "risk\\u005flevel": "low"}',
        json.dumps(SOFT | {"action_parameters": {"to": 1}}).replace('{"to": 1}', '[{"to": 1, "to": 2}]'),
    ],
    ids=["at the top", "in another spelling", "deep inside"],
)
async def test_a_duplicate_member_name_is_refused_and_named(api: AgentApi, twice: str) -> None:
    response = await send(api, twice)
    assert response.problem == (400, "not-json")
    assert ('"risk_level"' in response.body["detail"]) or ('"to"' in response.body["detail"])


async def test_a_duplicate_among_many_member_names_is_found_quickly(api: AgentApi) -> None:
    body = "{" + ",".join(f'"{number:x}":0' for number in [*range(25_000), 24_999]) + "}"
    async with asyncio.timeout(5):
        response = await send(api, body)
    assert (response.problem, '"61a7"' in response.body["detail"]) == ((400, "not-json"), True)


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "image/png", "application/json; charset=utf-16"]
)
async def test_a_body_is_read_as_json_whatever_its_content_type(api: AgentApi, kind: str) -> None:
    response = await api.call("POST", "/v1/packages", data=json.dumps(SOFT).encode(), headers={"Content-Type": kind})
    assert response.status == 202


async def test_a_compressed_body_is_read(api: AgentApi) -> None:
    packed = gzip.compress(json.dumps(SOFT).encode())
    assert (await send(api, packed, **{"Content-Encoding": "gzip"})).status == 202


async def test_a_small_compressed_body_that_expands_is_too_large(api: AgentApi) -> None:
    bomb = zlib.compress(b" " * 50_000_000, 9)
    assert len(bomb) < MAX_BODY
    assert (await send(api, bomb, **{"Content-Encoding": "deflate"})).problem == (413, "too-large")


async def test_a_body_that_does_not_match_its_content_encoding_is_a_400(api: AgentApi) -> None:
    for encoding in ("gzip", "deflate"):
        response = await send(api, b"\x00 no archive", **{"Content-Encoding": encoding})
        assert response.problem == (400, "bad-request")
        assert response.headers["Connection"] == "close"


async def test_an_idempotency_key_must_be_printable_ascii(api: AgentApi) -> None:
    for key in ("ä", "€", "k" * 300):
        response = await api.post("/v1/packages", SOFT, headers={"Idempotency-Key": key})
        assert response.wrong == ["Idempotency-Key"]


NO_IDS = [
    "%00", "pkg_%00", "..", "%2e%2e", "%2F", "a%2Fb", "pkg_" + "0" * 5000, "%ED%A0%80", "%FF", "%C3%A4", "%F0%9F%98%80", "'",
    "pkg_0%0A", "PKG_0", "pkg_0%20", "*", "{id}", "pkg_" + "0" * 60,
]  # fmt: skip
ADDRESSES: list[tuple[str, str, Any]] = [
    ("GET", "", None),
    ("GET", "/events", None),
    ("POST", "/cancel", {"reason": "x"}),
    ("POST", "/versions", SOFT | {"expected_package_version": 1}),
    ("POST", "/execution", {"state": "succeeded", "claim_id": "w"}),
]


async def test_an_impossible_id_is_a_404(api: AgentApi) -> None:
    for method, rest, body in ADDRESSES:
        for written in NO_IDS:
            response = await api.call(method, URL(f"{api.url}/v1/packages/{written}{rest}", encoded=True), json=body)
            assert response.status in (404, 405), (method, written, rest, response)


async def test_the_service_works_after_many_malformed_bodies(api: AgentApi) -> None:
    await asyncio.gather(*(send(api, b"[" * 1000) for _ in range(20)))
    assert (await api.submit()).status == 202
