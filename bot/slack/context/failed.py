"""Clicks and forms that could not be carried out: what is recorded about them, and the answer to Slack.

Slack gets 503, so that nothing takes the request as done. It then shows its own warning, and a form stays open with the
typed values.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

import structlog
from slack_bolt.response import BoltResponse

from blocks.home.filter import own_metadata
from blocks.kit.ids import subject_in
from blocks.kit.text import unescape
from bot.slack.context.listener_context import ListenerContext
from rules.threads.commands import ThreadVerb
from rules.threads.model import thread_key

log = structlog.get_logger()

Body = Mapping[str, Any]

_STOPPING = (ThreadVerb.HOLD.value, ThreadVerb.CANCEL.value)


def report_lost_subjects(context: ListenerContext, body: Body) -> bool:
    """Make the packages that the request names hard, and those of a thread. Returns whether it names any.

    Parsed leniently: whatever is wrong with the request, it failed.
    """
    subjects = [subject for text in _references(body) if (subject := subject_in(text))]
    for subject in subjects:
        context.report_lost(subject, _user_id(body))
    return bool(subjects)


def unreadable(context: ListenerContext, body: object, fault: str) -> BoltResponse:
    """For a signed payload that is malformed: nothing is carried out, and what it names becomes hard."""
    log.warning("slack.unreadable", error=fault)
    if isinstance(body, Mapping):
        report_lost_subjects(context, body)
    return BoltResponse(status=HTTPStatus.BAD_REQUEST, body="This cannot be read.")


def unavailable() -> BoltResponse:
    return BoltResponse(status=HTTPStatus.SERVICE_UNAVAILABLE)


def _references(body: Body) -> Iterator[object]:
    """References in buttons, in selected options, in the metadata of forms and in commands that stop a thread."""
    word, _, name = unescape(str(body.get("text") or "")).strip().partition(" ")
    if "command" in body and word.lower() in _STOPPING:
        yield thread_key(name)
    for action in _mappings(body.get("actions")):
        yield action.get("value")
        yield from (option.get("value") for option in _mappings([action.get("selected_option")]))
    yield from (own_metadata(view) for view in _mappings([body.get("view")]))


def _mappings(value: object) -> Iterator[Body]:
    return (item for item in value if isinstance(item, Mapping)) if isinstance(value, list) else iter(())


def _user_id(body: Body) -> str:
    """An empty id if the payload names nobody: the package then becomes hard for any clicker."""
    return next((str(user.get("id") or "") for user in _mappings([body.get("user")])), str(body.get("user_id") or ""))
