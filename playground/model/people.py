"""Members, guests, strangers from connected workspaces, bots and deactivated people; and user groups.

A person is immutable: `SlackSetup` replaces them. `api_json` and `in_payloads` show what the Web API and payloads tell
of a person, which depends on scopes and on the workspace they belong to.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from playground.model.clock import CREATED

SLACKBOT = "USLACKBOT"

GuestKind = Literal["", "multi", "single"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    id: str
    name: str
    real_name: str
    team_id: str
    title: str = ""
    email: str | None = None
    aliases: tuple[str, ...] = ()
    guest: GuestKind = ""
    stranger: bool = False
    bot: bool = False
    workflow_bot: bool = False
    deleted: bool = False
    admin: bool = False
    online: bool = True
    bot_id: str | None = None

    @property
    def addresses(self) -> tuple[str, ...]:
        return (self.email, *self.aliases) if self.email else self.aliases

    def in_payloads(self) -> dict[str, Any]:
        """As interactions name the person."""
        return {"id": self.id, "username": self.name, "name": self.name, "team_id": self.team_id}

    def api_json(self, *, with_email: bool) -> dict[str, Any]:
        """As users.info shows the person. Slack shows less of deactivated people."""
        fields = {
            "id": self.id,
            "team_id": self.team_id,
            "name": self.name,
            "deleted": self.deleted,
            "profile": self._profile(with_email=with_email and not self.stranger),
            "is_bot": self.bot,
            "is_app_user": False,
            "updated": CREATED,
        }
        return fields if self.deleted else fields | self._account()

    def _account(self) -> dict[str, Any]:
        fields: dict[str, Any] = {
            "color": "9f69e7",
            "real_name": self.real_name,
            "tz": "Europe/Amsterdam",
            "tz_label": "Central European Time",
            "tz_offset": 3600,
            "is_admin": self.admin,
            "is_owner": False,
            "is_primary_owner": False,
            "is_restricted": bool(self.guest),
            "is_ultra_restricted": self.guest == "single",
            "is_email_confirmed": self.email is not None,
            "who_can_share_contact_card": "EVERYONE",
        }
        # Slack omits these two if they are false, and code that reads them must cope with that.
        return fields | ({"is_stranger": True} if self.stranger else {}) | self._workflow()

    def _workflow(self) -> dict[str, Any]:
        return {"is_workflow_bot": self.workflow_bot} if self.bot else {}

    def _profile(self, *, with_email: bool) -> dict[str, Any]:
        profile: dict[str, Any] = {
            "real_name": self.real_name,
            "real_name_normalized": self.real_name,
            "display_name": self.name,
            "title": self.title,
            "display_name_normalized": self.name,
            "status_text": "",
            "status_emoji": "",
            "avatar_hash": "g00000000000",
            "team": self.team_id,
        }
        if self.bot_id:
            profile["bot_id"] = self.bot_id
        return profile | ({"email": self.email} if with_email and self.email else {})


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    id: str
    handle: str
    name: str
    members: tuple[str, ...]
    disabled: bool = False

    def api_json(self, team_id: str, *, with_users: bool) -> dict[str, Any]:
        shown: dict[str, Any] = {
            "id": self.id,
            "team_id": team_id,
            "is_usergroup": True,
            "is_subteam": True,
            "name": self.name,
            "description": "",
            "handle": self.handle,
            "is_external": False,
            "date_create": CREATED,
            "date_update": CREATED,
            "date_delete": CREATED if self.disabled else 0,
            "auto_type": None,
            "prefs": {"channels": [], "groups": []},
            "user_count": len(self.members),
        }
        return shown | ({"users": list(self.members)} if with_users else {})
