"""Applies the app's acknowledgement to the submitted modal, or shows the answer to a command.

Errors leave the modal open, below the inputs that they name; an answer that Slack would not understand shows `TROUBLE`.
`Client` calls this once the app has answered.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from playground.api.api_call import ApiCall
from playground.api.responses import respond
from playground.api.validation import check_view
from playground.client.delivery import Ack
from playground.model.people import Person
from playground.model.refusals import RefusedError
from playground.model.views import View
from playground.model.workspace import Workspace

# Shown by Slack's client if the answer to a submission makes no sense.
TROUBLE = "trouble_connecting"


class SubmissionError(Exception):
    """The answer to a submission cannot be used. The modal stays open and shows an error."""


def apply_submission_answer(slack: Workspace, person: Person, view: View, ack: Ack, trigger: str) -> str | None:
    """Apply the answer to a submission. Returns the error shown to the person, if any."""
    if ack.error:
        return ack.error
    try:
        _apply(slack, person, view, ack.body, trigger)
    except (SubmissionError, RefusedError):
        return TROUBLE
    return None


def _apply(slack: Workspace, person: Person, view: View, body: Any, trigger: str) -> None:
    if body in ("", {}):
        slack.views.close(view)
        return
    if not isinstance(body, Mapping):
        raise SubmissionError
    match body.get("response_action"):
        case "errors":
            slack.views.mark(view, _errors(view, body.get("errors")))
        case "update":
            slack.views.update(view, _view(body))
        case "push":
            slack.views.push(person.id, person.team_id, _view(body), trigger)
        case "clear":
            slack.views.clear(person.id)
        case _:
            raise SubmissionError


def _errors(view: View, errors: Any) -> dict[str, str]:
    """Errors can only be shown below inputs."""
    inputs = {block["block_id"] for block in view.blocks if block["type"] == "input"}
    if not isinstance(errors, Mapping) or not errors or not errors.keys() <= inputs:
        raise SubmissionError
    return {str(name): str(message) for name, message in errors.items()}


def _view(body: Mapping[str, Any]) -> dict[str, Any]:
    view = body.get("view")
    if not isinstance(view, dict) or view.get("type") != "modal":
        raise SubmissionError
    check_view(view)
    return view


def show_command_answer(slack: Workspace, payload: Mapping[str, Any], ack: Ack) -> str | None:
    """Show the answer to a command, if there is one. Returns the error shown to the person, if any."""
    if ack.error or ack.body in ("", {}):
        return ack.error
    answer = ack.body if isinstance(ack.body, Mapping) else {"text": str(ack.body)}
    url = slack.response_urls.find(urlsplit(payload["response_url"]).path.rpartition("/")[2])
    try:
        respond(ApiCall(slack, answer), url)
    except RefusedError as refused:
        return refused.error
    return None
