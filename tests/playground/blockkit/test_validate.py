"""What Slack refuses in blocks, elements and objects: one step past each limit, and one before."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from playground.blockkit.validate import Surface, validate

Json = dict[str, Any]
Make = Callable[[int], Json]


def plain(length: int = 1) -> Json:
    return {"type": "plain_text", "text": "x" * length}


def mrkdwn(length: int = 1) -> Json:
    return {"type": "mrkdwn", "text": "x" * length}


def section(**keys: Any) -> Json:
    return {"type": "section", "text": mrkdwn(), **keys}


def button(**keys: Any) -> Json:
    return {"type": "button", "text": plain(), **keys}


def option(**keys: Any) -> Json:
    return {"text": plain(), "value": "v", **keys}


def options(count: int) -> list[Json]:
    return [option(value=str(index)) for index in range(count)]


def image(**keys: Any) -> Json:
    return {"type": "image", "image_url": "https://a.example/b.png", "alt_text": "a", **keys}


def confirm(**keys: Any) -> Json:
    return {"title": plain(), "text": plain(), "confirm": plain(), "deny": plain(), **keys}


def actions(*elements: Json, **keys: Any) -> Json:
    return {"type": "actions", "elements": list(elements), **keys}


def asking(element: Json, **keys: Any) -> Json:
    return {"type": "input", "label": plain(), "element": element, **keys}


def text_input(**keys: Any) -> Json:
    return asking({"type": "plain_text_input", **keys})


def static_select(**keys: Any) -> Json:
    return actions({"type": "static_select", **keys})


def rich(*elements: Json) -> Json:
    return {"type": "rich_text", "elements": list(elements)}


def inline(*elements: Json) -> Json:
    return rich({"type": "rich_text_section", "elements": list(elements)})


def container(**keys: Any) -> Json:
    return {"type": "container", "title": plain(), "child_blocks": [section()], **keys}


def table(rows: int = 1, columns: int = 1, length: int = 1, **keys: Any) -> Json:
    cell = {"type": "raw_text", "text": "x" * length}
    return {"type": "table", "rows": [[cell] * columns] * rows, **keys}


def data_table(rows: int = 2, columns: int = 1, length: int = 1, **keys: Any) -> Json:
    return {**table(rows, columns, length), "type": "data_table", "caption": "c", **keys}


def pie(segments: int = 1, length: int = 1, value: Any = 1, title: int = 1) -> Json:
    slices = [{"label": "x" * length, "value": value}] * segments
    return {"type": "data_visualization", "title": "t" * title, "chart": {"type": "pie", "segments": slices}}


def bars(series: int = 1, points: int = 1, length: int = 2, axis: int = 1, **keys: Any) -> Json:
    names = [f"{index:0{length}}" for index in range(max(series, points))]
    data = [{"label": name, "value": -1.5} for name in names[:points]]
    chart = {
        "type": "bar",
        "series": [{"name": name, "data": data} for name in names[:series]],
        "axis_config": {"categories": names[:points], "x_label": "x" * axis},
        **keys,
    }
    return {"type": "data_visualization", "title": "t", "chart": chart}


def video(**keys: Any) -> Json:
    urls = {"video_url": "https://a.example/v", "thumbnail_url": "https://a.example/t"}
    return {"type": "video", "alt_text": "a", "title": plain(), **urls, **keys}


def card(**keys: Any) -> Json:
    return {"type": "card", "title": plain(), **keys}


def modal_only(block: Json) -> Surface:
    in_modals = block["type"] == "alert" or block.get("element", {}).get("type") == "file_input"
    return Surface.MODAL if in_modals else Surface.MESSAGE


# Limits. Each names the highest value that Slack accepts.

LIMITS: list[tuple[str, int, Make]] = [
    ("a block_id", 255, lambda n: section(block_id="b" * n)),
    ("an action_id", 255, lambda n: actions(button(action_id="a" * n))),
    ("a header", 150, lambda n: {"type": "header", "text": plain(n)}),
    ("a section's text", 3_000, lambda n: section(text=mrkdwn(n))),
    ("a section's fields", 10, lambda n: {"type": "section", "fields": [mrkdwn()] * n}),
    ("a section's field", 2_000, lambda n: section(fields=[plain(n)])),
    ("a context's elements", 10, lambda n: {"type": "context", "elements": [mrkdwn()] * n}),
    ("a context's text", 3_000, lambda n: {"type": "context", "elements": [plain(n)]}),
    ("an actions block's elements", 25, lambda n: actions(*[button()] * n)),
    ("an input's label", 2_000, lambda n: asking({"type": "datepicker"}, label=plain(n))),
    ("an input's hint", 2_000, lambda n: asking({"type": "datepicker"}, hint=plain(n))),
    ("an image's address", 3_000, lambda n: image(image_url="u" * n)),
    ("an image's alt text", 2_000, lambda n: image(alt_text="a" * n)),
    ("an image's title", 2_000, lambda n: image(title=plain(n))),
    ("a markdown block", 12_000, lambda n: {"type": "markdown", "text": "x" * n}),
    ("a container's blocks", 10, lambda n: container(child_blocks=[section()] * n)),
    ("a container's title", 150, lambda n: container(title=plain(n))),
    ("a container's subtitle", 150, lambda n: container(subtitle=mrkdwn(n))),
    ("a card's title", 150, lambda n: card(title=mrkdwn(n))),
    ("a card's subtitle", 150, lambda n: card(subtitle=plain(n))),
    ("a card's body", 200, lambda n: card(body=mrkdwn(n))),
    ("a card's actions", 25, lambda n: card(actions=[button()] * n)),
    ("context actions", 5, lambda n: {"type": "context_actions", "elements": [{"type": "icon_button", "icon": "trash", "text": plain()}] * n}),
    ("an icon button's people", 10, lambda n: {"type": "context_actions", "elements": [{"type": "icon_button", "icon": "trash", "text": plain(), "visible_to_user_ids": ["U1"] * n}]}),
    ("a video's description", 200, lambda n: video(description=plain(n))),
    ("an alert", 200, lambda n: {"type": "alert", "text": plain(n)}),
    ("a video's title", 199, lambda n: video(title=plain(n))),
    ("a video's author", 49, lambda n: video(author_name="a" * n)),
    ("a table's rows", 100, lambda n: table(rows=n)),
    ("a table's columns", 20, lambda n: table(columns=n)),
    ("a table's column settings", 20, lambda n: table(column_settings=[{"align": "right"}] * n)),
    ("a table's text", 10_000, lambda n: table(length=n)),
    ("a data table's rows", 201, lambda n: data_table(rows=n)),
    ("a data table's columns", 20, lambda n: data_table(columns=n)),
    ("a data table's text", 20_000, lambda n: {**data_table(), "rows": [*table()["rows"], *table(length=n - 1)["rows"]]}),
    ("a data table's page", 100, lambda n: data_table(page_size=n)),
    ("a chart's title", 50, lambda n: pie(title=n)),
    ("a pie's segments", 12, lambda n: pie(segments=n)),
    ("a segment's label", 20, lambda n: pie(length=n)),
    ("a chart's series", 12, lambda n: bars(series=n)),
    ("a chart's points", 20, lambda n: bars(points=n)),
    ("a category", 20, lambda n: bars(length=n)),
    ("an axis label", 50, lambda n: bars(axis=n)),
    ("a button's text", 75, lambda n: actions(button(text=plain(n)))),
    ("a button's value", 2_000, lambda n: actions(button(value="v" * n))),
    ("a button's address", 3_000, lambda n: actions(button(url="u" * n))),
    ("a button's prompt", 4_000, lambda n: actions(button(agent_prompt="p" * n))),
    ("an accessibility label", 75, lambda n: actions(button(accessibility_label="a" * n))),
    ("a confirmation's title", 100, lambda n: actions(button(confirm=confirm(title=plain(n))))),
    ("a confirmation's text", 300, lambda n: actions(button(confirm=confirm(text=plain(n))))),
    ("a confirmation's yes", 30, lambda n: actions(button(confirm=confirm(confirm=plain(n))))),
    ("a confirmation's no", 30, lambda n: actions(button(confirm=confirm(deny=plain(n))))),
    ("an option's text", 75, lambda n: static_select(options=[option(text=plain(n))])),
    ("an option's value", 150, lambda n: static_select(options=[option(value="v" * n)])),
    ("an option's description", 75, lambda n: static_select(options=[option(description=plain(n))])),
    ("a select's options", 100, lambda n: static_select(options=options(n))),
    ("a select's groups", 100, lambda n: static_select(option_groups=[{"label": plain(), "options": options(1)}] * n)),
    ("a group's label", 75, lambda n: static_select(option_groups=[{"label": plain(n), "options": options(1)}])),
    ("a group's options", 100, lambda n: static_select(option_groups=[{"label": plain(), "options": options(n)}])),
    ("a placeholder", 150, lambda n: static_select(options=options(1), placeholder=plain(n))),
    ("an overflow's options", 5, lambda n: actions({"type": "overflow", "options": options(n)})),
    ("checkboxes", 10, lambda n: actions({"type": "checkboxes", "options": options(n)})),
    ("radio buttons", 10, lambda n: actions({"type": "radio_buttons", "options": options(n)})),
    ("an input's max_length", 3_000, lambda n: text_input(max_length=n)),
    ("an input's first value", 3_000, lambda n: text_input(initial_value="x" * n)),
    ("an input's files", 10, lambda n: asking({"type": "file_input", "max_files": n})),
    ("a list's indent", 8, lambda n: rich({"type": "rich_text_list", "style": "bullet", "indent": n, "elements": [inline({"type": "text", "text": "x"})["elements"][0]]})),
]  # fmt: skip


def test_a_single_markdown_block_that_is_too_long_has_its_own_error() -> None:
    faults = validate([{"type": "markdown", "text": "x" * 12_001}])
    assert [(fault.code, fault.pointer) for fault in faults] == [("invalid_blocks", "/blocks/0/text")]


at_limits = pytest.mark.parametrize(
    ("limit", "make"), [pytest.param(limit, make, id=name) for name, limit, make in LIMITS]
)


@at_limits
def test_a_value_at_the_limit_is_accepted(limit: int, make: Make) -> None:
    block = make(limit)
    assert validate([block], modal_only(block)) == ()


@at_limits
def test_a_value_one_past_the_limit_is_refused(limit: int, make: Make) -> None:
    block = make(limit + 1)
    assert validate([block], modal_only(block)) != ()


@pytest.mark.parametrize(
    ("make", "pointer"),
    [
        pytest.param(lambda n: {"type": "header", "text": plain(n)}, "/blocks/0/text/text", id="header"),
        pytest.param(lambda n: section(text=mrkdwn(n)), "/blocks/0/text/text", id="section"),
        pytest.param(lambda n: section(fields=[mrkdwn(n)]), "/blocks/0/fields/0/text", id="field"),
        pytest.param(lambda n: {"type": "markdown", "text": "x" * n}, "/blocks/0/text", id="markdown"),
        pytest.param(lambda n: inline({"type": "text", "text": "x" * n}), "/blocks/0/elements/0/elements/0/text", id="rich text"),
        pytest.param(lambda n: table(length=n), "/blocks/0/rows/0/0/text", id="cell"),
        pytest.param(lambda n: actions(button(text=plain(n))), "/blocks/0/elements/0/text/text", id="button"),
        pytest.param(lambda n: actions(*[button()] * n), "/blocks/0/elements", id="no elements"),
        pytest.param(lambda n: {"type": "section", "fields": [mrkdwn()] * n}, "/blocks/0/fields", id="no fields"),
        pytest.param(lambda n: static_select(options=options(n)), "/blocks/0/elements/0/options", id="no options"),
        pytest.param(lambda n: table(rows=n), "/blocks/0/rows", id="no rows"),
        pytest.param(lambda n: container(child_blocks=[section()] * n), "/blocks/0/child_blocks", id="empty container"),
        pytest.param(lambda n: image(alt_text="a" * n), "/blocks/0/alt_text", id="alt text"),
    ],
)  # fmt: skip
def test_an_empty_value_is_refused_with_its_pointer(make: Make, pointer: str) -> None:
    assert validate([make(1)]) == ()
    assert [fault.pointer for fault in validate([make(0)])] == [pointer]
