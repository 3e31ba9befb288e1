"""auth.*, team.*, bots.*, users.* and usergroups.*."""

from __future__ import annotations

from typing import Any

from playground.api.api_call import Answer, ApiCall, Method
from playground.model.clock import CREATED
from playground.model.people import Person
from playground.model.refusals import RefusedError


def auth_test(call: ApiCall) -> Answer:
    slack = call.slack
    return {
        "url": f"https://{slack.domain}.slack.com/",
        "team": slack.domain,
        "user": slack.bot_name,
        "team_id": slack.team_id,
        "user_id": slack.bot_user,
        "bot_id": slack.bot_id,
        "is_enterprise_install": False,
    }


def team_info(call: ApiCall) -> Answer:
    slack = call.slack
    if call.text("team", slack.team_id) != slack.team_id:
        raise RefusedError("team_not_found")
    icon = {"image_default": True}
    domain = {"domain": slack.domain, "url": f"https://{slack.domain}.slack.com/", "email_domain": ""}
    return {"team": {"id": slack.team_id, "name": slack.domain, "icon": icon, **domain}}


def bots_info(call: ApiCall) -> Answer:
    slack = call.slack
    if call.text("bot") != slack.bot_id:
        raise RefusedError("bot_not_found")
    bot = {"id": slack.bot_id, "name": slack.bot_name, "app_id": slack.app_id, "user_id": slack.bot_user}
    return {"bot": {**bot, "deleted": False, "updated": CREATED, "icons": {}}}


def _person_json(call: ApiCall, person: Person) -> dict[str, Any]:
    return person.api_json(with_email="users:read.email" in call.slack.scopes)


def users_list(call: ApiCall) -> Answer:
    page, metadata = call.page(list(call.slack.people.values()))
    members = [_person_json(call, person) for person in page]
    return {"members": members, "cache_ts": CREATED, "response_metadata": metadata}


def users_info(call: ApiCall) -> Answer:
    person = call.slack.people.get(call.text("user"))
    if person is None:
        raise RefusedError("user_not_found")
    return {"user": _person_json(call, person)}


def users_lookup_by_email(call: ApiCall) -> Answer:
    """By any address, whether the profile shows it or not. Deactivated people and strangers are not found."""
    wanted = call.text("email").lower()
    for person in call.slack.people.values():
        if wanted in map(str.lower, person.addresses) and not (person.deleted or person.stranger):
            return {"user": _person_json(call, person)}
    raise RefusedError("users_not_found")


def usergroups_list(call: ApiCall) -> Answer:
    with_users, disabled = call.flag("include_users"), call.flag("include_disabled")
    groups = [group for group in call.slack.groups.values() if disabled or not group.disabled]
    return {"usergroups": [group.api_json(call.slack.team_id, with_users=with_users) for group in groups]}


def usergroups_users_list(call: ApiCall) -> Answer:
    group = call.slack.groups.get(call.text("usergroup"))
    if group is None or (group.disabled and not call.flag("include_disabled")):
        raise RefusedError("no_such_subteam")
    return {"users": list(group.members)}


METHODS = {
    "auth.test": Method(auth_test, "special"),
    "team.info": Method(team_info, "T3", ("team:read",)),
    "bots.info": Method(bots_info, "T3", ("users:read",)),
    "users.list": Method(users_list, "T2", ("users:read",)),
    "users.info": Method(users_info, "T4", ("users:read",)),
    "users.lookupByEmail": Method(users_lookup_by_email, "T3", ("users:read.email",)),
    "usergroups.list": Method(usergroups_list, "T2", ("usergroups:read",)),
    "usergroups.users.list": Method(usergroups_users_list, "T2", ("usergroups:read",)),
}
