"""Canonical JSON, compared to the tables of RFC 8785 and to an independent implementation."""

import json
import struct
import tracemalloc
from decimal import Decimal
from enum import StrEnum
from hashlib import sha256
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from rules.canonical import (
    MAX_DEPTH,
    MAX_INTEGER,
    NotCanonicalError,
    canonical_json,
    canonical_json_strict,
    leaves,
    sha256_of,
)
from rules.scales import RiskLevel

texts = st.text(st.characters(exclude_categories=["Cs"]))
numbers = st.integers(-MAX_INTEGER, MAX_INTEGER) | st.floats(allow_nan=False, allow_infinity=False)
scalars = st.none() | st.booleans() | numbers | texts
values = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(texts, inner))


def nested_list(depth: int) -> Any:
    value: Any = []
    for _ in range(depth - 1):
        value = [value]
    return value


def finding(value: Any) -> NotCanonicalError:
    with pytest.raises(NotCanonicalError) as caught:
        canonical_json(value)
    return caught.value


@pytest.mark.slow
@given(values)
def test_the_output_equals_that_of_an_independent_implementation(value: Any) -> None:
    assert canonical_json(value) == rfc8785.dumps(value)


@pytest.mark.slow
@given(values)
def test_a_reader_that_stores_numbers_as_doubles_reads_the_same_value(value: Any) -> None:
    assert json.loads(canonical_json(value), parse_int=float) == value


@given(st.dictionaries(st.text("a€\ue000\uffff\U00010000😀\r1"), st.none()))
def test_names_are_ordered_by_utf_16_code_units(value: dict[str, None]) -> None:
    assert list(json.loads(canonical_json(value))) == sorted(value, key=lambda name: name.encode("utf-16-be"))


@pytest.mark.parametrize(
    ("bits", "spelling"),
    [
        ("0000000000000000", "0"),
        ("8000000000000000", "0"),
        ("0000000000000001", "5e-324"),
        ("8000000000000001", "-5e-324"),
        ("7fefffffffffffff", "1.7976931348623157e+308"),
        ("ffefffffffffffff", "-1.7976931348623157e+308"),
        ("4340000000000000", "9007199254740992"),
        ("c340000000000000", "-9007199254740992"),
        ("4430000000000000", "295147905179352830000"),
        ("44b52d02c7e14af5", "9.999999999999997e+22"),
        ("44b52d02c7e14af6", "1e+23"),
        ("44b52d02c7e14af7", "1.0000000000000001e+23"),
        ("444b1ae4d6e2ef4e", "999999999999999700000"),
        ("444b1ae4d6e2ef4f", "999999999999999900000"),
        ("444b1ae4d6e2ef50", "1e+21"),
        ("3eb0c6f7a0b5ed8c", "9.999999999999997e-7"),
        ("3eb0c6f7a0b5ed8d", "0.000001"),
        ("41b3de4355555553", "333333333.3333332"),
        ("41b3de4355555554", "333333333.33333325"),
        ("41b3de4355555555", "333333333.3333333"),
        ("41b3de4355555556", "333333333.3333334"),
        ("41b3de4355555557", "333333333.33333343"),
        ("becbf647612f3696", "-0.0000033333333333333333"),
        ("43143ff3c1cb0959", "1424953923781206.2"),
    ],
)
def test_a_double_is_written_as_in_appendix_b_of_the_rfc(bits: str, spelling: str) -> None:
    (number,) = struct.unpack(">d", bytes.fromhex(bits))
    assert canonical_json(number) == spelling.encode()


@pytest.mark.parametrize(
    ("value", "spelling"),
    [
        pytest.param(1.0, "1", id="whole"),
        pytest.param(4.50, "4.5", id="trailing-zero"),
        pytest.param(2e-3, "0.002", id="small"),
        pytest.param(1e-27, "1e-27", id="tiny"),
        pytest.param(333333333.33333329, "333333333.3333333", id="more-digits-than-a-double-has"),
        pytest.param(1e30, "1e+30", id="large"),
        pytest.param(MAX_INTEGER, "9007199254740991", id="the-largest-integer"),
        pytest.param(-MAX_INTEGER, "-9007199254740991", id="the-smallest-integer"),
        pytest.param(True, "true", id="true"),
        pytest.param(None, "null", id="null"),
        pytest.param((1, "a"), '[1,"a"]', id="a-tuple-is-a-list"),
        pytest.param(RiskLevel.HIGH, '"high"', id="an-enum-of-strings-is-its-string"),
        pytest.param('\u20ac$\x0f\nA\'B"\\\\"/', '"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"', id="the-string-of-the-rfc"),
        pytest.param("\b\t\f\r\x00\x7f\u2028", '"\\b\\t\\f\\r\\u0000\x7f\u2028"', id="escapes-are-as-few-as-possible"),
    ],
)
def test_a_scalar_is_written_in_one_way(value: Any, spelling: str) -> None:
    assert canonical_json(value) == spelling.encode()


def test_names_are_ordered_as_in_the_example_of_the_rfc() -> None:
    names = ["\u20ac", "\r", "\ufb33", "1", "\U0001f600", "\x80", "\u00f6"]
    ordered = json.loads(canonical_json(dict.fromkeys(names)))
    assert list(ordered) == ["\r", "1", "\x80", "\u00f6", "\u20ac", "\U0001f600", "\ufb33"]


@pytest.mark.parametrize("length", [1, 999, 1000, 1001, 70_000])
def test_names_of_any_length_are_written_the_same_each_time(length: int) -> None:
    value = {name * length: name for name in ("é", "b", "a")}
    assert [canonical_json(value), canonical_json(dict(reversed(value.items())))] == [rfc8785.dumps(value)] * 2


def test_names_from_an_enum_are_ordered_as_strings_whatever_order_the_enum_has() -> None:
    assert canonical_json({RiskLevel.LOW: 1, RiskLevel.HIGH: 2}) == b'{"high":2,"low":1}'


@pytest.mark.parametrize(
    ("value", "path", "reason"),
    [
        pytest.param(float("nan"), "", "NaN", id="nan"),
        pytest.param({"a": [0, float("inf")]}, "/a/1", "infinities", id="infinity"),
        pytest.param([MAX_INTEGER + 1], "/0", "beyond", id="integer-too-large"),
        pytest.param([-MAX_INTEGER - 1], "/0", "beyond", id="integer-too-small"),
        pytest.param({"a/b": {"c~d": "\ud800"}}, "/a~1b/c~0d", "U+D800", id="lone-surrogate"),
        pytest.param({"a": {"\udfff": 1}}, "/a/\\udfff", "U+DFFF", id="lone-surrogate-in-a-name"),
        pytest.param({"a": {1: 1}}, "/a", "names", id="a-name-that-is-a-number"),
        pytest.param({"a": {"b": 1, None: 1}}, "/a", "names", id="a-name-that-is-null"),
        pytest.param({"a": Decimal(1)}, "/a", "Decimal", id="decimal"),
        pytest.param([{1}], "/0", "set", id="set"),
        pytest.param([b"a"], "/0", "bytes", id="bytes"),
    ],
)
def test_a_value_without_a_canonical_form_is_refused_with_its_path(value: Any, path: str, reason: str) -> None:
    fault = finding(value)
    assert (fault.path, reason in fault.reason) == (path, True)


def test_the_message_says_where_and_why() -> None:
    assert str(finding({"a": [float("nan")]})) == "/a/0: NaN and infinities are not JSON numbers"


def test_sixty_four_levels_of_nesting_are_written() -> None:
    assert canonical_json(nested_list(MAX_DEPTH)) == b"[" * MAX_DEPTH + b"]" * MAX_DEPTH


def test_one_level_more_of_nesting_is_refused() -> None:
    assert finding(nested_list(MAX_DEPTH + 1)).path == "/0" * MAX_DEPTH


def test_the_caller_may_set_a_smaller_depth() -> None:
    with pytest.raises(NotCanonicalError, match=r"^/0/0: the nesting is too deep$"):
        canonical_json(nested_list(3), max_depth=2)


def test_a_value_that_contains_itself_is_refused() -> None:
    endless: list[Any] = []
    endless.append(endless)
    assert "deep" in finding(endless).reason


def test_an_enum_of_strings_with_its_own_str_is_still_written_by_its_value() -> None:
    class Odd(StrEnum):
        ONE = "one"

        def __str__(self) -> str:
            return "something else"

    assert canonical_json({Odd.ONE: Odd.ONE}) == b'{"one":"one"}'


def test_the_digest_of_the_empty_object_is_known() -> None:
    assert sha256_of({}) == "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"


@pytest.mark.slow
@given(values)
def test_a_digest_is_that_of_the_canonical_bytes(value: Any) -> None:
    assert sha256_of(value) == "sha256:" + sha256(rfc8785.dumps(value)).hexdigest()


def test_leaves_are_every_name_and_every_scalar_with_its_path() -> None:
    assert list(leaves({"a/b": ["x", {"c": None}]})) == [
        ("/a~1b", "a/b"),
        ("/a~1b/0", 0),
        ("/a~1b/0", "x"),
        ("/a~1b/1", 1),
        ("/a~1b/1/c", "c"),
        ("/a~1b/1/c", None),
    ]


@pytest.mark.parametrize(
    ("value", "path"),
    [
        pytest.param({"a": ["\x1b[2K"]}, "/a/0", id="escape"),
        pytest.param({"a": {"b\x00": 1}}, "/a/b\x00", id="nul-in-a-name"),
        pytest.param([1e20], "/0", id="a-double-spelled-like-a-huge-integer"),
        pytest.param([float(2**53)], "/0", id="the-first-of-them"),
        pytest.param([{"a": float("nan")}], "/0/a", id="what-is-not-canonical-either"),
    ],
)
def test_the_strict_form_refuses_values_that_people_or_readers_would_not_see_whole(value: Any, path: str) -> None:
    with pytest.raises(NotCanonicalError) as caught:
        canonical_json_strict(value)
    assert caught.value.path == path


@pytest.mark.parametrize("value", ["a\tb\r\nc\x7f", 1e21, -1.5, float(MAX_INTEGER), {"a": [True, None, 7]}], ids=repr)
def test_the_strict_form_is_parsed_back_to_the_same_form(value: Any) -> None:
    assert canonical_json(json.loads(canonical_json_strict(value))) == canonical_json(value)


def test_the_cache_of_names_stays_small_however_many_are_sent() -> None:
    values = [{f"{first:x}-{second:x}": None for second in range(300)} for first in range(400)]
    tracemalloc.start()
    for value in values:
        canonical_json(value)
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 1_000_000
