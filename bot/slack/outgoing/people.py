"""Converts Slack's users into people of the directory."""

from __future__ import annotations

from typing import Any

from rules.people.directory import Person

_SLACKBOT = "USLACKBOT"


def person_of(user: dict[str, Any], team_id: str, enterprise_id: str | None) -> Person:
    """A missing field is read in the way that gives the person the fewest rights."""
    profile = user.get("profile") or {}
    enterprise = (user.get("enterprise_user") or {}).get("enterprise_id")
    at_home = user.get("team_id", team_id) == team_id if enterprise is None else enterprise == enterprise_id
    return Person(
        user_id=user["id"],
        name=profile.get("display_name") or profile.get("real_name") or user.get("real_name") or user.get("name") or "",
        email=profile.get("email") or None,
        active=not user.get("deleted", False),
        is_bot=bool(user.get("is_bot") or user.get("is_workflow_bot") or user["id"] == _SLACKBOT),
        is_guest=bool(user.get("is_restricted") or user.get("is_ultra_restricted")),
        is_stranger=bool(user.get("is_stranger") or not at_home),
    )
