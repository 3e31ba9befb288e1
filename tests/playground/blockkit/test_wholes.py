"""What Slack refuses in a message or view as a whole: surfaces, ids, totals, and the keys around the blocks."""

from __future__ import annotations

from typing import Any

import pytest

from blocks.kit import limits
from playground.blockkit.characters import characters
from playground.blockkit.validate import Fault, Surface, validate

Json = dict[str, Any]

SURFACES = frozenset(Surface)
MESSAGE, MODAL, HOME = Surface.MESSAGE, Surface.MODAL, Surface.HOME


def plain(length: int = 1) -> Json:
    return {"type": "plain_text", "text": "x" * length}


def section(length: int = 1, **keys: Any) -> Json:
    return {"type": "section", "text": plain(length), **keys}


def button(**keys: Any) -> Json:
    return {"type": "button", "text": plain(), **keys}


def asking(kind: str = "plain_text_input", **keys: Any) -> Json:
    return {"type": "input", "label": plain(), "element": {"type": kind, **keys}}


def actions(*elements: Json) -> Json:
    return {"type": "actions", "elements": list(elements)}


def table(kind: str = "table", length: int = 1, **keys: Any) -> Json:
    return {"type": kind, "rows": [[{"type": "raw_text", "text": "x" * length}]] * 2, **keys}


def chart() -> Json:
    return {
        "type": "data_visualization",
        "title": "t",
        "chart": {"type": "pie", "segments": [{"label": "a", "value": 1}]},
    }


def fault_places(faults: tuple[Fault, ...]) -> list[tuple[str, str]]:
    return [(fault.code, fault.pointer) for fault in faults]


# Surfaces.


@pytest.mark.parametrize(
    ("block", "surfaces"),
    [
        pytest.param({"type": "header", "text": plain()}, SURFACES, id="header"),
        pytest.param(section(), SURFACES, id="section"),
        pytest.param({"type": "context", "elements": [plain()]}, SURFACES, id="context"),
        pytest.param(actions(button()), SURFACES, id="actions"),
        pytest.param({"type": "divider"}, SURFACES, id="divider"),
        pytest.param(asking(), SURFACES, id="input"),
        pytest.param({"type": "image", "image_url": "u", "alt_text": "a"}, SURFACES, id="image"),
        pytest.param({"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": "x"}]}]}, SURFACES, id="rich_text"),
        pytest.param({"type": "card", "title": plain()}, SURFACES, id="card"),
        pytest.param({"type": "video", "video_url": "u", "thumbnail_url": "u", "alt_text": "a", "title": plain()}, SURFACES, id="video"),
        pytest.param({"type": "alert", "text": plain()}, {MODAL}, id="alert"),
        pytest.param({"type": "container", "title": plain(), "child_blocks": [section()]}, {MESSAGE, HOME}, id="container"),
        pytest.param({"type": "context_actions", "elements": [{"type": "icon_button", "icon": "trash", "text": plain()}]}, {MESSAGE}, id="context_actions"),
        pytest.param(table(), {MESSAGE, HOME}, id="table"),
        pytest.param(table("data_table", caption="c"), {MESSAGE, HOME}, id="data_table"),
        pytest.param(chart(), {MESSAGE, HOME}, id="data_visualization"),
        pytest.param({"type": "markdown", "text": "x"}, {MESSAGE}, id="markdown"),
        pytest.param({"type": "file", "external_id": "e", "source": "remote"}, {MESSAGE}, id="file"),
        pytest.param(asking("datetimepicker"), {MESSAGE, MODAL}, id="datetimepicker"),
        pytest.param(asking("email_text_input"), {MODAL}, id="email_text_input"),
        pytest.param(asking("url_text_input"), {MODAL}, id="url_text_input"),
        pytest.param(asking("number_input", is_decimal_allowed=False), {MODAL}, id="number_input"),
        pytest.param(asking("file_input"), {MODAL}, id="file_input"),
    ],
)  # fmt: skip
def test_each_block_and_element_stands_only_on_its_surfaces(block: Json, surfaces: set[Surface]) -> None:
    assert {surface for surface in Surface if not validate([block], surface)} == surfaces


def test_surfaces_are_checked_inside_containers_too() -> None:
    block = {"type": "container", "title": plain(), "child_blocks": [asking("file_input")]}
    assert fault_places(validate([block])) == [("invalid_blocks", "/blocks/0/child_blocks/0/element/type")]


# Ids, and the one focus.


@pytest.mark.parametrize(
    ("blocks", "pointer"),
    [
        pytest.param([section(block_id="a"), section(block_id="a")], "/blocks/1/block_id", id="two blocks"),
        pytest.param([section(block_id="a"), {"type": "container", "title": plain(), "child_blocks": [section(block_id="a")]}], "/blocks/1/child_blocks/0/block_id", id="a block and one in a container"),
        pytest.param([actions(button(action_id="a"), button(action_id="a"))], "/blocks/0/elements/1/action_id", id="two buttons of a block"),
        pytest.param([{"type": "card", "title": plain(), "actions": [button(action_id="a")] * 2}], "/blocks/0/actions/1/action_id", id="two buttons of a card"),
        pytest.param([asking(focus_on_load=True), asking(focus_on_load=True)], "/blocks/1/element/focus_on_load", id="two focuses"),
    ],
)  # fmt: skip
def test_duplicate_ids_are_refused(blocks: list[Json], pointer: str) -> None:
    assert [fault.pointer for fault in validate(blocks)] == [pointer]


def test_the_same_action_id_may_be_in_two_blocks() -> None:
    assert validate([actions(button(action_id="a")), actions(button(action_id="a"))]) == ()


def test_duplicate_ids_are_found_in_blocks_with_other_faults() -> None:
    faults = validate([section(0, block_id="a"), section(block_id="a")])
    assert [fault.pointer for fault in faults] == ["/blocks/0/text/text", "/blocks/1/block_id"]


# Counts and totals.


@pytest.mark.parametrize(
    ("surface", "limit", "code"),
    [
        pytest.param(MESSAGE, 50, "invalid_blocks", id="message"),
        pytest.param(MODAL, 100, "invalid_arguments", id="modal"),
        pytest.param(HOME, 100, "invalid_arguments", id="home"),
    ],
)
def test_blocks_are_counted(surface: Surface, limit: int, code: str) -> None:
    assert validate([{"type": "divider"}] * limit, surface) == ()
    assert fault_places(validate([{"type": "divider"}] * (limit + 1), surface)) == [(code, "/blocks")]


def test_a_message_may_have_no_blocks_and_a_view_may_not() -> None:
    assert validate([], MESSAGE) == ()
    assert fault_places(validate([], MODAL)) == [("invalid_arguments", "/blocks")]
    assert fault_places(validate([], HOME)) == [("invalid_arguments", "/blocks")]


def test_the_text_of_all_blocks_of_a_message_counts_together() -> None:
    full = [section(3_000) for _ in range(4)]
    assert characters(full) == 12_000
    assert validate(full) == ()
    assert fault_places(validate([*full, section(1)])) == [("msg_blocks_too_long", "/blocks")]


def test_markdown_blocks_count_towards_the_total() -> None:
    half = {"type": "markdown", "text": "x" * 6_000}
    assert validate([half, half]) == ()
    assert fault_places(validate([half, half, section()])) == [("msg_blocks_too_long", "/blocks")]


def test_text_in_fields_containers_buttons_and_rich_text_counts() -> None:
    run = {"type": "rich_text_section", "elements": [{"type": "text", "text": "x" * 7}]}
    blocks = [
        {"type": "section", "fields": [plain(1), plain(2)]},
        {"type": "container", "title": plain(3), "child_blocks": [section(4), actions(button())]},
        {"type": "rich_text", "elements": [run, {"type": "rich_text_list", "style": "bullet", "elements": [run]}]},
        chart(),
    ]
    assert characters(blocks) == 1 + 2 + 3 + 4 + 1 + 7 + 7


def test_the_text_of_a_view_has_no_total_limit() -> None:
    assert validate([section(3_000) for _ in range(5)], MODAL) == ()


def test_our_cards_stay_well_below_slacks_limits() -> None:
    assert limits.CARD_TEXT < limits.MESSAGE_BLOCKS_TEXT


def test_tables_have_a_total_of_their_own() -> None:
    assert validate([table(length=5_000), section(3_000)]) == ()
    assert fault_places(validate([table(length=5_001)])) == [("invalid_blocks", "/blocks")]


def test_the_cells_of_all_data_tables_count_together() -> None:
    half = table("data_table", 5_000, caption="c")
    assert validate([half, half]) == ()
    assert fault_places(validate([half, table("data_table", 5_001, caption="c")])) == [("invalid_blocks", "/blocks")]


def test_a_message_may_hold_one_table_and_two_charts() -> None:
    assert validate([table(), chart(), chart()]) == ()
    assert fault_places(validate([table(), table()])) == [("invalid_attachments", "/blocks/1")]
    assert fault_places(validate([chart(), chart(), chart()])) == [("invalid_blocks", "/blocks/2")]
