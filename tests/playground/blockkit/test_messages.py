"""What Slack refuses around the blocks: in messages, modals and Home views."""

from __future__ import annotations

import json
from typing import Any

import pytest

from blocks.kit import limits
from playground.blockkit.validate import validate_message, validate_view
from tests.playground.blockkit.test_wholes import Json, actions, asking, button, fault_places, plain, section, table


def modal(*blocks: Json, **keys: Any) -> Json:
    return {"type": "modal", "title": plain(), "blocks": list(blocks) or [section()], **keys}


def home(*blocks: Json, **keys: Any) -> Json:
    return {"type": "home", "blocks": list(blocks) or [section()], **keys}


# A message.


@pytest.mark.parametrize(
    ("message", "code", "pointer"),
    [
        pytest.param({}, "no_text", "", id="nothing"),
        pytest.param({"text": "", "blocks": []}, "no_text", "", id="nothing in so many words"),
        pytest.param({"text": 5}, "invalid_arguments", "/text", id="a number for text"),
        pytest.param({"text": "x", "blocks": {}}, "invalid_blocks", "/blocks", id="an object for blocks"),
        pytest.param({"text": "x", "blocks": [section(0)]}, "invalid_blocks", "/blocks/0/text/text", id="a bad block"),
        pytest.param({"text": "x", "metadata": "m"}, "invalid_metadata_format", "/metadata", id="a string for metadata"),
        pytest.param({"text": "x", "metadata": {"event_type": "e"}}, "invalid_metadata_format", "/metadata", id="metadata without payload"),
        pytest.param({"text": "x", "metadata": {"event_type": "e", "event_payload": []}}, "invalid_metadata_format", "/metadata/event_payload", id="a list for payload"),
        pytest.param({"text": "x", "metadata": {"event_type": "e", "event_payload": {"a": {1}}}}, "invalid_metadata_format", "/metadata", id="metadata that is no JSON"),
        pytest.param({"text": "x", "metadata": {}}, "invalid_metadata_format", "/metadata", id="empty metadata in a post"),
        pytest.param({"text": "x", "attachments": {}}, "invalid_attachments", "/attachments", id="an object for attachments"),
        pytest.param({"text": "x", "attachments": ["a"]}, "invalid_attachments", "/attachments/0", id="a string for an attachment"),
        pytest.param({"attachments": [{"blocks": [section(0)]}]}, "invalid_attachments", "/attachments/0/blocks/0/text/text", id="a bad block in an attachment"),
    ],
)  # fmt: skip
def test_an_invalid_message_is_refused_with_slacks_error(message: Json, code: str, pointer: str) -> None:
    assert (code, pointer) in fault_places(validate_message(message))


@pytest.mark.parametrize(
    "message",
    [
        pytest.param({"text": "x", "channel": "C1", "unfurl_links": False}, id="text"),
        pytest.param({"blocks": [section()]}, id="blocks"),
        pytest.param({"attachments": [{"color": "#ff0000", "blocks": [section()]}]}, id="an attachment"),
        pytest.param({"text": "x", "blocks": None, "metadata": None, "attachments": None}, id="text, and nulls"),
        pytest.param({"text": "x", "metadata": {"event_type": "e", "event_payload": {"id": "1"}}}, id="metadata"),
    ],
)
def test_a_message_needs_text_blocks_or_attachments(message: Json) -> None:
    assert validate_message(message) == ()


def test_a_long_text_is_cut_in_a_post_and_refused_in_an_update() -> None:
    assert validate_message({"text": "x" * 40_001}) == ()
    assert validate_message({"text": "x" * 4_000}, update=True) == ()
    assert fault_places(validate_message({"text": "x" * 4_001}, update=True)) == [("msg_too_long", "/text")]


def test_attachments_are_counted() -> None:
    assert validate_message({"attachments": [{}] * 100}) == ()
    assert fault_places(validate_message({"attachments": [{}] * 101})) == [("too_many_attachments", "/attachments")]


def test_metadata_may_be_set_and_is_limited() -> None:
    around = len('{"event_type":"e","event_payload":{"a":""}}')
    fitting, long = ({"event_type": "e", "event_payload": {"a": "x" * (limit - around)}} for limit in (1_000, 1_001))
    assert validate_message({"text": "x", "metadata": fitting}) == ()
    assert fault_places(validate_message({"text": "x", "metadata": long})) == [("metadata_too_large", "/metadata")]


def test_an_update_may_remove_the_metadata() -> None:
    assert validate_message({"text": "x", "metadata": {}}, update=True) == ()


# A view.


@pytest.mark.parametrize(
    ("view", "pointer"),
    [
        pytest.param({"type": "modal", "title": plain()}, "", id="a modal without blocks"),
        pytest.param({"type": "modal", "blocks": [section()]}, "", id="a modal without title"),
        pytest.param({"type": "workflow_step", "blocks": [section()]}, "/type", id="a view of another type"),
        pytest.param(modal(asking()), "", id="an input without submit"),
        pytest.param(modal(title=plain(0)), "/title/text", id="an empty title"),
        pytest.param(modal(title={"type": "mrkdwn", "text": "x"}), "/title/type", id="a title in mrkdwn"),
        pytest.param(modal(hash="h"), "/hash", id="an unknown key"),
        pytest.param(modal(section(0)), "/blocks/0/text/text", id="a bad block"),
        pytest.param(modal(section(block_id="a"), section(block_id="a")), "/blocks/1/block_id", id="two blocks of one id"),
        pytest.param(modal(actions(button(action_id="a"), button(action_id="a"))), "/blocks/0/elements/1/action_id", id="two actions of one id"),
        pytest.param(modal(table()), "/blocks/0/type", id="a table in a modal"),
        pytest.param(home(title=plain()), "/title", id="a home with a title"),
        pytest.param(home(submit=plain()), "/submit", id="a home with a submit"),
        pytest.param(home(asking("file_input")), "/blocks/0/element/type", id="a file input in a home"),
        pytest.param([], "", id="a list for a view"),
        pytest.param(None, "", id="no view"),
    ],
)  # fmt: skip
def test_an_invalid_view_is_refused_at_its_pointer(view: Any, pointer: str) -> None:
    assert fault_places(validate_view(view)) == [("invalid_arguments", pointer)]


@pytest.mark.parametrize(
    ("key", "limit"),
    [
        ("title", 24),
        ("submit", 24),
        ("close", 24),
        ("private_metadata", 3_000),
        ("callback_id", 255),
        ("external_id", 255),
    ],
)
def test_the_texts_around_a_view_have_limits(key: str, limit: int) -> None:
    def around(length: int) -> Json:
        return modal(**{key: plain(length) if limit == limits.VIEW_LABEL else "x" * length})

    assert validate_view(around(limit)) == ()
    assert fault_places(validate_view(around(limit + 1)))[0][1].startswith(f"/{key}")


def test_a_modal_with_an_input_and_a_submit_is_accepted() -> None:
    assert validate_view(modal(asking(), submit=plain(), close=plain(), notify_on_close=True)) == ()


def test_a_home_may_have_an_input_and_no_submit() -> None:
    assert validate_view(home(asking(), callback_id="home")) == ()


def view_of_size(size: int, letter: str, count: int) -> Json:
    """A Home view of exactly this many bytes of JSON: many blocks, and the rest in its metadata."""
    blocks = [{"type": "section", "text": {"type": "plain_text", "text": letter * 2_950}}] * count
    empty = home(*blocks, private_metadata="", callback_id="c" * 200)
    missing = size - len(json.dumps(empty, ensure_ascii=False, separators=(",", ":")).encode())
    return {**empty, "private_metadata": "x" * missing}


@pytest.mark.parametrize(
    ("letter", "count"), [pytest.param("x", 83, id="letters of one byte"), pytest.param("€", 28, id="of three bytes")]
)
def test_a_view_is_measured_in_bytes_of_json(letter: str, count: int) -> None:
    assert validate_view(view_of_size(250_000, letter, count)) == ()
    assert fault_places(validate_view(view_of_size(250_001, letter, count))) == [("view_too_large", "")]
