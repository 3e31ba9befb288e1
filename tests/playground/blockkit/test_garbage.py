"""Any input is answered with faults, never with an exception."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playground.blockkit.validate import Fault, Surface, validate, validate_message, validate_view
from tests.playground.blockkit.test_wholes import actions, plain, section, table


def nested_value(levels: int, *, by: str = "") -> Any:
    inner: Any = "x"
    for _ in range(levels):
        inner = {by: inner} if by else [inner]
    return inner


def circle() -> Any:
    around: list[Any] = []
    around.append(around)
    return around


def all_faults(value: Any) -> list[Fault]:
    lists = [validate(blocks, surface) for blocks in (value, [value]) for surface in Surface]
    parts = ("text", "blocks", "metadata", "attachments")
    messages = [validate_message({part: value}, update=update) for part in parts for update in (True, False)]
    views = [
        validate_view(view)
        for view in (value, {"type": "modal", "blocks": value}, {"type": "modal", "title": value, "blocks": []})
    ]
    return [fault for faults in (*lists, *messages, *views) for fault in faults]


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(None, id="null"),
        pytest.param(5, id="a number"),
        pytest.param(10**5_000, id="a number too long to be written"),
        pytest.param("\ud800", id="a lone surrogate"),
        pytest.param(object(), id="no JSON at all"),
        pytest.param({1: 2, (3,): 4}, id="keys that are no strings"),
        pytest.param(nested_value(10_000), id="ten thousand lists deep"),
        pytest.param(nested_value(10_000, by="elements"), id="ten thousand objects deep"),
        pytest.param(nested_value(10_000, by="child_blocks"), id="ten thousand containers deep"),
        pytest.param(circle(), id="a list that holds itself"),
        pytest.param({"type": "section", "text": nested_value(10_000), "accessory": circle()}, id="depth inside a block"),
        pytest.param(actions({"type": "static_select", "options": [nested_value(10_000, by="text")] * 2, "initial_option": nested_value(10_000, by="text")}), id="deep options that would be compared"),
    ],
)  # fmt: skip
def test_garbage_gets_faults_and_no_exception(value: Any) -> None:
    assert all_faults(value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)
KEYS = st.sampled_from(["type", "text", "elements", "fields", "accessory", "element", "block_id", "action_id", "options", "initial_option", "child_blocks", "rows", "chart", "series", "confirm", "style", "focus_on_load"])  # fmt: skip
TYPES = st.sampled_from(["section", "actions", "input", "container", "rich_text", "table", "data_table", "data_visualization", "static_select", "button", "plain_text", "mrkdwn", "bar", "rich_text_section", "card"])  # fmt: skip
ALMOST_BLOCKS = st.recursive(
    TYPES | JSON, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=5), max_leaves=25
)


@given(st.one_of(JSON, ALMOST_BLOCKS))
def test_any_json_is_validated(value: Any) -> None:
    assert all(fault.message for fault in all_faults(value))


@given(ALMOST_BLOCKS)
def test_a_pointer_leads_into_the_checked_value(value: Any) -> None:
    for fault in validate([value]):
        place: Any = {"blocks": [value]}
        for step in fault.pointer.split("/")[1:-1]:
            place = place[int(step)] if isinstance(place, list) else place[step]
        assert isinstance(place, (dict, list))


def spoil(value: Any, garbage: Any) -> Iterator[Any]:
    """The value with each of its parts replaced in turn."""
    yield garbage
    if isinstance(value, dict):
        yield from ({**value, key: part} for key in value for part in spoil(value[key], garbage))
    if isinstance(value, list):
        yield from (
            [*value[:at], part, *value[at + 1 :]] for at in range(len(value)) for part in spoil(value[at], garbage)
        )


@pytest.mark.parametrize(
    "garbage",
    [None, True, -1, 1e999, float("nan"), "", "x" * 5_000, [], {}, [None], {"type": "section"}, nested_value(10_000)],
)
def test_any_part_of_a_valid_message_may_be_replaced_by_garbage(garbage: Any) -> None:
    select = {
        "type": "static_select",
        "option_groups": [{"label": plain(), "options": [{"text": plain(), "value": "v"}]}],
        "initial_option": {"text": plain(), "value": "v"},
    }
    series = [{"name": "a", "data": [{"label": "b", "value": 1}]}]
    lines = {"type": "bar", "series": series, "axis_config": {"categories": ["b"]}}
    blocks = [
        {
            "type": "container",
            "title": plain(),
            "is_collapsible": True,
            "child_blocks": [section(block_id="a", accessory=select)],
        },
        {"type": "data_visualization", "title": "t", "chart": lines},
        {
            "type": "input",
            "label": plain(),
            "element": {"type": "plain_text_input", "min_length": 1, "max_length": 2, "initial_value": "x"},
        },
        table("data_table", caption="c", row_header_column_index=0),
        table(column_settings=[None]),
    ]
    assert validate(blocks) == ()
    assert all(isinstance(fault, Fault) for other in spoil(blocks, garbage) for fault in validate(other))
