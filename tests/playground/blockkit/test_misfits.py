"""Objects in places where they are not allowed, and in places where they are."""

from __future__ import annotations

import pytest

from playground.blockkit.validate import validate
from tests.playground.blockkit.test_validate import (
    Json,
    actions,
    asking,
    bars,
    button,
    card,
    confirm,
    container,
    data_table,
    image,
    inline,
    mrkdwn,
    option,
    options,
    pie,
    plain,
    rich,
    section,
    static_select,
    table,
    text_input,
    video,
)


@pytest.mark.parametrize(
    ("block", "pointer"),
    [
        pytest.param({"type": "section"}, "", id="a section without text and fields"),
        pytest.param({"type": "header"}, "", id="a header without text"),
        pytest.param({"type": "header", "text": mrkdwn()}, "/text/type", id="a header in mrkdwn"),
        pytest.param({"type": "header", "text": "words"}, "/text", id="a header that is a string"),
        pytest.param(section(text=plain() | {"verbatim": True}), "/text/verbatim", id="verbatim in plain text"),
        pytest.param(section(text=mrkdwn() | {"emoji": True}), "/text/emoji", id="emoji in mrkdwn"),
        pytest.param(section(text={"type": "text", "text": "x"}), "/text/type", id="a text without type"),
        pytest.param(section(colour="red"), "/colour", id="an unknown key"),
        pytest.param(section(**{"a/b~c": 1}), "/a~1b~0c", id="an unknown key with / and ~"),
        pytest.param(section(accessory=None), "/accessory", id="null for a missing value"),
        pytest.param(section(expand=1), "/expand", id="a number for a boolean"),
        pytest.param(section(accessory={"type": "plain_text_input"}), "/accessory/type", id="a text input as accessory"),
        pytest.param({"type": "context", "elements": [button()]}, "/elements/0/type", id="a button in a context"),
        pytest.param(actions(mrkdwn()), "/elements/0/type", id="a section among actions"),
        pytest.param(actions({"type": "plain_text_input"}), "/elements/0/type", id="a text input among actions"),
        pytest.param(asking(button()), "/element/type", id="a button in an input"),
        pytest.param(asking({"type": "datepicker"}, label=mrkdwn()), "/label/type", id="a label in mrkdwn"),
        pytest.param({"type": "marquee"}, "/type", id="an unknown block"),
        pytest.param({"text": plain()}, "/type", id="a block without type"),
        pytest.param({"type": ["section"]}, "/type", id="a type that is no string"),
        pytest.param(actions(button(style="default")), "/elements/0/style", id="a button in an unknown style"),
        pytest.param(actions(button(text=mrkdwn())), "/elements/0/text/type", id="a button in mrkdwn"),
        pytest.param(actions(button(confirm={"title": plain(), "text": plain(), "confirm": plain()})), "/elements/0/confirm", id="a confirmation without deny text"),
        pytest.param(actions(button(confirm=confirm(text=mrkdwn()))), "/elements/0/confirm/text/type", id="a confirmation in mrkdwn"),
        pytest.param(actions(button(disabled=True)), "/elements/0/disabled", id="a disabled button"),
        pytest.param(static_select(), "/elements/0", id="a select without options and groups"),
        pytest.param(static_select(options=options(1), option_groups=[{"label": plain(), "options": options(1)}]), "/elements/0", id="a select with options and groups"),
        pytest.param(static_select(options=options(2), initial_option=option(value="other")), "/elements/0/initial_option", id="an initial option that is not offered"),
        pytest.param(static_select(options=[option(text=mrkdwn())]), "/elements/0/options/0/text/type", id="a select's option in mrkdwn"),
        pytest.param(static_select(options=[option(url="https://a.example")]), "/elements/0/options/0/url", id="an address in a select's option"),
        pytest.param(actions({"type": "checkboxes", "options": options(2), "initial_options": [option(value="9")]}), "/elements/0/initial_options", id="an initial tick that is not offered"),
        pytest.param(actions({"type": "datepicker", "initial_date": "2026-13-01"}), "/elements/0/initial_date", id="a thirteenth month"),
        pytest.param(actions({"type": "timepicker", "initial_time": "24:00"}), "/elements/0/initial_time", id="a twenty-fourth hour"),
        pytest.param(actions({"type": "datetimepicker", "initial_date_time": 1}), "/elements/0/initial_date_time", id="a moment of one digit"),
        pytest.param(actions({"type": "conversations_select", "filter": {}}), "/elements/0/filter", id="an empty filter"),
        pytest.param(actions({"type": "users_select", "initial_users": ["U1"]}), "/elements/0/initial_users", id="a list for a single choice"),
        pytest.param(text_input(min_length=5, max_length=4), "/element", id="a minimum above the maximum"),
        pytest.param(text_input(max_length=4, initial_value="12345"), "/element/initial_value", id="an initial value above the maximum"),
        pytest.param(text_input(max_length=True), "/element/max_length", id="a boolean for a number"),
        pytest.param(text_input(dispatch_action_config={"trigger_actions_on": ["on_blur"]}), "/element/dispatch_action_config/trigger_actions_on/0", id="an unknown trigger"),
        pytest.param({"type": "image", "alt_text": "a"}, "", id="an image from nowhere"),
        pytest.param(image(slack_file={"id": "F1"}), "", id="an image from two places"),
        pytest.param(section(accessory=image(title=plain())), "/accessory/title", id="a title on an image element"),
        pytest.param(rich({"type": "text", "text": "x"}), "/elements/0/type", id="bare text in rich text"),
        pytest.param(inline({"type": "rich_text_section", "elements": []}), "/elements/0/elements/0/type", id="a section in a section of rich text"),
        pytest.param(inline({"type": "text", "text": "x", "style": {"blink": True}}), "/elements/0/elements/0/style/blink", id="an unknown style of text"),
        pytest.param(inline({"type": "broadcast", "range": "world"}), "/elements/0/elements/0/range", id="an unknown broadcast range"),
        pytest.param(inline({"type": "color", "value": "red"}), "/elements/0/elements/0/value", id="a colour by name"),
        pytest.param(inline({"type": "date", "timestamp": 1.5, "format": "{date}"}), "/elements/0/elements/0/timestamp", id="a fraction of a second"),
        pytest.param(rich({"type": "rich_text_preformatted", "elements": [{"type": "user", "user_id": "U1"}]}), "/elements/0/elements/0/type", id="a mention in preformatted text"),
        pytest.param(container(child_blocks=[container()]), "/child_blocks/0/type", id="a container in a container"),
        pytest.param(container(child_blocks=[card()]), "/child_blocks/0/type", id="a card in a container"),
        pytest.param({"type": "container", "child_blocks": [section()]}, "", id="a container without title"),
        pytest.param(container(default_collapsed=True), "/default_collapsed", id="collapsed on a block that cannot collapse"),
        pytest.param(container(is_collapsible=True, has_header_divider=True), "/has_header_divider", id="a divider in a collapsible block"),
        pytest.param(card(actions=[{"type": "overflow", "options": options(1)}]), "/actions/0/type", id="a menu in a card"),
        pytest.param({"type": "card", "subtitle": plain()}, "", id="a card with only a subtitle"),
        pytest.param({"type": "data_table", "rows": table(rows=2)["rows"]}, "", id="a data table without caption"),
        pytest.param(data_table(rows=1), "/rows", id="a data table with only a header"),
        pytest.param({"type": "data_table", "caption": "c", "rows": [*table(rows=2)["rows"], *table(columns=2)["rows"]]}, "/rows/2", id="a data table with a longer row"),
        pytest.param({"type": "data_table", "caption": "c", "rows": [[inline({"type": "text", "text": "x"})], *table()["rows"]]}, "/rows/0", id="rich text in a header"),
        pytest.param(data_table(row_header_column_index=1), "/row_header_column_index", id="a row header that is no column"),
        pytest.param({"type": "table", "rows": [[{"type": "raw_number", "value": "1", "text": "1"}]]}, "/rows/0/0/value", id="a number in quotes"),
        pytest.param(pie(value=0), "/chart/segments/0/value", id="a slice of zero"),
        pytest.param(pie(value=float("inf")), "/chart/segments/0/value", id="an infinite slice"),
        pytest.param(bars(points=2, axis_config={"categories": ["00"]}), "/chart/series/0/data", id="a point without category"),
        pytest.param(bars(points=2, axis_config={"categories": ["00", "00"]}), "/chart/series/0/data", id="a category twice"),
        pytest.param({"type": "data_visualization", "title": "t", "chart": bars()["chart"] | {"series": bars()["chart"]["series"] * 2}}, "/chart/series", id="two series of one name"),
    ],
)  # fmt: skip
def test_an_invalid_value_is_refused_with_its_pointer(block: Json, pointer: str) -> None:
    assert [fault.pointer for fault in validate([block])] == [f"/blocks/0{pointer}"]


@pytest.mark.parametrize(
    "block",
    [
        pytest.param({"type": "divider"}, id="a divider"),
        pytest.param(section(accessory=image(image_url="https://a.example/c.png")), id="an image beside a section"),
        pytest.param({"type": "context", "elements": [image(), plain(), mrkdwn()]}, id="a context with text and image"),
        pytest.param({"type": "image", "alt_text": "a", "slack_file": {"id": "F1"}}, id="an image of Slack's own"),
        pytest.param({"type": "file", "external_id": "e", "source": "remote"}, id="a file"),
        pytest.param(video(title_url="https://a.example", description=plain()), id="a video"),
        pytest.param(actions(button(style="primary"), button(style="primary")), id="two primary buttons"),
        pytest.param(actions(button(text=plain() | {"emoji": False}, confirm=confirm(style="danger"))), id="a button with a confirmation"),
        pytest.param(actions({"type": "overflow", "options": [option(url="https://a.example")]}), id="an address in an overflow menu"),
        pytest.param(actions({"type": "radio_buttons", "options": [option(text=mrkdwn(), description=mrkdwn())]}), id="a radio button in mrkdwn"),
        pytest.param(static_select(options=options(3), initial_option=options(3)[2]), id="an initial option that is offered"),
        pytest.param(static_select(option_groups=[{"label": plain(), "options": options(2)}], initial_option=options(2)[1]), id="an initial option in a group"),
        pytest.param(actions({"type": "checkboxes", "options": options(3), "initial_options": options(2)}), id="two first ticks"),
        pytest.param(actions({"type": "multi_users_select", "initial_users": ["U1"], "max_selected_items": 3}), id="several people"),
        pytest.param(actions({"type": "conversations_select", "filter": {"include": ["im"]}, "default_to_current_conversation": True}), id="a conversation"),
        pytest.param(actions({"type": "datepicker", "initial_date": "2026-11-20"}, {"type": "timepicker", "initial_time": "23:59", "timezone": "Europe/Berlin"}, {"type": "datetimepicker", "initial_date_time": 1_800_000_000}), id="times"),
        pytest.param(text_input(min_length=4, max_length=4, initial_value="1234", multiline=True, dispatch_action_config={"trigger_actions_on": ["on_enter_pressed"]}), id="a text input"),
        pytest.param(asking({"type": "rich_text_input", "initial_value": inline({"type": "text", "text": "x"})}, hint=plain(), optional=True), id="a rich text input"),
        pytest.param({"type": "context_actions", "elements": [{"type": "icon_button", "icon": "trash", "text": plain()}, {"type": "feedback_buttons", "positive_button": {"text": plain(), "value": "1"}, "negative_button": {"text": plain(), "value": "0"}}]}, id="context actions"),
        pytest.param(card(title=mrkdwn(), icon=image(), hero_image=image(), actions=[button()]), id="a card"),
        pytest.param(container(is_collapsible=True, default_collapsed=True, icon=image(), width="full", child_blocks=[section(), actions(button()), inline({"type": "text", "text": "x"}), table()]), id="a container"),
        pytest.param({"type": "container", "rich_text_title": inline({"type": "text", "text": "x"}), "child_blocks": [{"type": "divider"}]}, id="a container titled in rich text"),
        pytest.param(table(column_settings=[None, {"align": "left", "is_wrapped": True}]), id="a table with default settings for its first column"),
        pytest.param({"type": "data_table", "caption": "c", "page_size": 5, "rows": [*table(columns=2)["rows"], [{"type": "raw_number", "value": 1.5, "text": "1.50"}, inline({"type": "text", "text": "x"})]]}, id="a data table with every kind of cell"),
        pytest.param({**bars(2, 3), "chart": bars(2, 3)["chart"] | {"type": "line"}}, id="two lines"),
    ],
)  # fmt: skip
def test_messages_that_slack_accepts_are_accepted(block: Json) -> None:
    assert validate([block]) == ()


@pytest.mark.parametrize(
    "element",
    [
        pytest.param({"type": "text", "text": "x", "style": {"bold": True, "code": True}}, id="text"),
        pytest.param({"type": "link", "url": "https://a.example", "text": "a"}, id="link"),
        pytest.param({"type": "user", "user_id": "U1"}, id="user"),
        pytest.param({"type": "usergroup", "usergroup_id": "S1"}, id="usergroup"),
        pytest.param({"type": "channel", "channel_id": "C1", "style": {"bold": True}}, id="channel"),
        pytest.param({"type": "emoji", "name": "wave"}, id="emoji"),
        pytest.param({"type": "date", "timestamp": 1_800_000_000, "format": "{date_short}", "fallback": "2027"}, id="date"),
        pytest.param({"type": "color", "value": "#F405B3"}, id="color"),
        pytest.param({"type": "broadcast", "range": "here"}, id="broadcast"),
    ],
)  # fmt: skip
def test_each_element_of_rich_text_stands_in_sections_lists_and_quotes(element: Json) -> None:
    line = {"type": "rich_text_section", "elements": [element]}
    points = {"type": "rich_text_list", "style": "ordered", "elements": [line, line], "border": 1}
    assert validate([rich(line, points, {"type": "rich_text_quote", "elements": [element]})]) == ()


def test_a_fault_says_what_is_allowed() -> None:
    faults = validate([{"type": "header", "text": plain(151)}])
    assert [(fault.code, fault.message) for fault in faults] == [
        ("invalid_blocks", "must be a string of 1 to 150 characters")
    ]


def test_characters_are_counted_and_not_bytes() -> None:
    assert validate([{"type": "header", "text": {"type": "plain_text", "text": "😀" * 150}}]) == ()


def test_every_fault_is_named_and_not_only_the_first() -> None:
    faults = validate([section(colour="red"), {"type": "header", "text": plain(151)}, {"type": "section"}])
    assert [fault.pointer for fault in faults] == ["/blocks/0/colour", "/blocks/1/text/text", "/blocks/2"]
