"""views.*, and the door to Socket Mode."""

from __future__ import annotations

from typing import Any

from playground.api.asked import Answer, Asked, Method
from playground.api.validation import check_view
from playground.model.refusals import RefusedError, invalid_arguments
from playground.model.views import View
from playground.model.workspace import Workspace


def shape(slack: Workspace, view: View) -> dict[str, Any]:
    """A view with whose it is. In a connected workspace `team_id` is the person's, and the app's stands apart."""
    owner = {"app_id": slack.app_id, "bot_id": slack.bot_id, "app_installed_team_id": slack.team_id}
    return view.shape | owner


def _given(asked: Asked, kind: str) -> dict[str, Any]:
    view = asked.parsed("view")
    if not isinstance(view, dict):
        raise invalid_arguments("missing required field: view")
    check_view(view)
    if view["type"] != kind:
        raise invalid_arguments(f"must be of type {kind} [json-pointer:/view/type]")
    return view


def _redeemed(asked: Asked) -> tuple[str, str, dict[str, Any], str]:
    """Whose trigger it was, their workspace, and the view. A view that is refused has not used the trigger up."""
    slack, trigger, given = asked.slack, asked.required("trigger_id"), _given(asked, "modal")
    user = slack.triggers.exchange(trigger)
    return user, slack.people[user].team_id, given, trigger


def opened(asked: Asked) -> Answer:
    return {"view": shape(asked.slack, asked.slack.views.open(*_redeemed(asked)))}


def push(asked: Asked) -> Answer:
    return {"view": shape(asked.slack, asked.slack.views.push(*_redeemed(asked)))}


def update(asked: Asked) -> Answer:
    views, given = asked.slack.views, _given_any(asked)
    view = views.find(asked.text("view_id"), asked.text("external_id"))
    if given["type"] != view.given["type"]:
        raise invalid_arguments("must be of the type it was [json-pointer:/view/type]")
    return {"view": shape(asked.slack, views.update(view, given, asked.text("hash") or None))}


def _given_any(asked: Asked) -> dict[str, Any]:
    view = asked.parsed("view")
    home = isinstance(view, dict) and view.get("type") == "home"
    return _given(asked, "home" if home else "modal")


def publish(asked: Asked) -> Answer:
    slack, given = asked.slack, _given(asked, "home")
    if not slack.home_enabled:
        raise RefusedError("not_enabled")
    person = slack.people.get(asked.text("user_id"))
    if person is None or person.deleted:
        raise RefusedError("user_not_found")
    view = slack.views.publish(person.id, person.team_id, given, asked.text("hash") or None)
    return {"view": shape(slack, view)}


METHODS = {
    "views.open": Method(opened, "T4"),
    "views.push": Method(push, "T4"),
    "views.update": Method(update, "T4"),
    "views.publish": Method(publish, "T4"),
}
