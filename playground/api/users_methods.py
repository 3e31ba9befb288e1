"""Who the app is, and who else there is: auth, team, bots, users, user groups."""

from __future__ import annotations

from typing import Any

from playground.api.asked import Answer, Asked, Method
from playground.model.people import Person
from playground.model.refusals import RefusedError


def auth_test(asked: Asked) -> Answer:
    slack = asked.slack
    return {
        "url": f"https://{slack.domain}.slack.com/",
        "team": slack.domain,
        "user": slack.bot_name,
        "team_id": slack.team_id,
        "user_id": slack.bot_user,
        "bot_id": slack.bot_id,
        "is_enterprise_install": False,
    }


def team_info(asked: Asked) -> Answer:
    slack = asked.slack
    if asked.text("team", slack.team_id) != slack.team_id:
        raise RefusedError("team_not_found")
    icon = {"image_default": True}
    domain = {"domain": slack.domain, "url": f"https://{slack.domain}.slack.com/", "email_domain": ""}
    return {"team": {"id": slack.team_id, "name": slack.domain, "icon": icon, **domain}}


def bots_info(asked: Asked) -> Answer:
    slack = asked.slack
    if asked.text("bot") != slack.bot_id:
        raise RefusedError("bot_not_found")
    its = {"id": slack.bot_id, "name": slack.bot_name, "app_id": slack.app_id, "user_id": slack.bot_user}
    return {"bot": {**its, "deleted": False, "updated": 1_700_000_000, "icons": {}}}


def _shown(asked: Asked, person: Person) -> dict[str, Any]:
    return person.shown(with_email="users:read.email" in asked.slack.scopes)


def users_list(asked: Asked) -> Answer:
    page, metadata = asked.page(list(asked.slack.people.values()))
    members = [_shown(asked, each) for each in page]
    return {"members": members, "cache_ts": 1_700_000_000, "response_metadata": metadata}


def users_info(asked: Asked) -> Answer:
    person = asked.slack.people.get(asked.text("user"))
    if person is None:
        raise RefusedError("user_not_found")
    return {"user": _shown(asked, person)}


def users_lookup_by_email(asked: Asked) -> Answer:
    """By any address of theirs, shown in the profile or not. Finds nobody whose account is closed, and no strangers."""
    wanted = asked.text("email").lower()
    for person in asked.slack.people.values():
        if wanted in map(str.lower, person.addresses) and not (person.deleted or person.stranger):
            return {"user": _shown(asked, person)}
    raise RefusedError("users_not_found")


def usergroups_list(asked: Asked) -> Answer:
    with_users, disabled = asked.flag("include_users"), asked.flag("include_disabled")
    groups = [each for each in asked.slack.groups.values() if disabled or not each.disabled]
    return {"usergroups": [each.shown(asked.slack.team_id, with_users=with_users) for each in groups]}


def usergroups_users_list(asked: Asked) -> Answer:
    group = asked.slack.groups.get(asked.text("usergroup"))
    if group is None or (group.disabled and not asked.flag("include_disabled")):
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
