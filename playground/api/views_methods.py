"""views.*: open, push, update and publish views.

A trigger opens one view within three seconds, and a refused view does not use it up. The stack of views is
`playground.model.views`.
"""

from __future__ import annotations

from typing import Any

from playground.api.api_call import Answer, ApiCall, Method
from playground.api.validation import check_view
from playground.model.refusals import RefusedError, invalid_arguments
from playground.model.views import View
from playground.model.workspace import Workspace


def view_json(slack: Workspace, view: View) -> dict[str, Any]:
    """A view with its owner. In a shared workspace `team_id` is the person's workspace; the app's is separate."""
    owner = {"app_id": slack.app_id, "bot_id": slack.bot_id, "app_installed_team_id": slack.team_id}
    return view.shape | owner


def _view_argument(call: ApiCall, kind: str) -> dict[str, Any]:
    view = call.parse("view")
    if not isinstance(view, dict):
        raise invalid_arguments("missing required field: view")
    check_view(view)
    if view["type"] != kind:
        raise invalid_arguments(f"must be of type {kind} [json-pointer:/view/type]")
    return view


def _redeem_trigger(call: ApiCall) -> tuple[str, str, dict[str, Any], str]:
    """The trigger's user, their workspace, the view and the trigger. The view is checked before the trigger is used."""
    slack, trigger, definition = call.slack, call.required_text("trigger_id"), _view_argument(call, "modal")
    user = slack.triggers.exchange(trigger)
    return user, slack.people[user].team_id, definition, trigger


def open_view(call: ApiCall) -> Answer:
    return {"view": view_json(call.slack, call.slack.views.open(*_redeem_trigger(call)))}


def push_view(call: ApiCall) -> Answer:
    return {"view": view_json(call.slack, call.slack.views.push(*_redeem_trigger(call)))}


def update_view(call: ApiCall) -> Answer:
    views, definition = call.slack.views, _modal_or_home(call)
    view = views.find(call.text("view_id"), call.text("external_id"))
    if definition["type"] != view.definition["type"]:
        raise invalid_arguments("must be of the type it was [json-pointer:/view/type]")
    return {"view": view_json(call.slack, views.update(view, definition, call.text("hash") or None))}


def _modal_or_home(call: ApiCall) -> dict[str, Any]:
    view = call.parse("view")
    home = isinstance(view, dict) and view.get("type") == "home"
    return _view_argument(call, "home" if home else "modal")


def publish_home(call: ApiCall) -> Answer:
    slack, definition = call.slack, _view_argument(call, "home")
    if not slack.home_enabled:
        raise RefusedError("not_enabled")
    person = slack.people.get(call.text("user_id"))
    if person is None or person.deleted:
        raise RefusedError("user_not_found")
    view = slack.views.publish(person.id, person.team_id, definition, call.text("hash") or None)
    return {"view": view_json(slack, view)}


METHODS = {
    "views.open": Method(open_view, "T4"),
    "views.push": Method(push_view, "T4"),
    "views.update": Method(update_view, "T4"),
    "views.publish": Method(publish_home, "T4"),
}
