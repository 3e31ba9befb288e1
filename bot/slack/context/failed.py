"""A click or form that could not be carried out: what is remembered of it, and what Slack is answered.

Slack is answered 503, so that nothing takes the request for carried out. Slack then shows its own warning; a form
stays open with what was typed in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

import structlog
from slack_bolt.response import BoltResponse

from blocks.kit.ids import Ref
from bot.slack.context.front import Front

log = structlog.get_logger()

Body = Mapping[str, Any]


def remembered(front: Front, body: Body) -> bool:
    """Whether it named a package, which then becomes hard. Read loosely: whatever is wrong with it, it failed."""
    refs = [ref for written in _written(body) if (ref := Ref.found_in(written))]
    for ref in refs:
        front.lost(ref, _user(body))
    return bool(refs)


def unreadable(front: Front, body: object, fault: str) -> BoltResponse:
    """A signed payload that is not as Slack sends it: nothing is carried out, and what it names becomes hard."""
    log.warning("slack.unreadable", error=fault)
    if isinstance(body, Mapping):
        remembered(front, body)
    return BoltResponse(status=HTTPStatus.BAD_REQUEST, body="This cannot be read.")


def unavailable() -> BoltResponse:
    return BoltResponse(status=HTTPStatus.SERVICE_UNAVAILABLE)


def _written(body: Body) -> Iterator[object]:
    """Where references stand: in a button, in a menu's option, in a form's metadata."""
    for action in _each(body.get("actions")):
        yield action.get("value")
        yield from (option.get("value") for option in _each([action.get("selected_option")]))
    yield from (view.get("private_metadata") for view in _each([body.get("view")]))


def _each(found: object) -> Iterator[Body]:
    return (each for each in found if isinstance(each, Mapping)) if isinstance(found, list) else iter(())


def _user(body: Body) -> str:
    """Nobody known, if it does not say who: then the package becomes hard whoever it was."""
    return next((str(user.get("id") or "") for user in _each([body.get("user")])), "")
