"""Channels: public, private or shared, and the app's direct channel with each person.

A channel is immutable: `SlackSetup` replaces it. `api_json` and `in_payloads` show what the Web API and payloads tell
of it, which is less for private channels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from playground.model.clock import CREATED

READ_SCOPES = {
    "public_channel": "channels:read",
    "private_channel": "groups:read",
    "im": "im:read",
    "mpim": "mpim:read",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    id: str
    name: str
    members: tuple[str, ...] = ()
    private: bool = False
    archived: bool = False
    bot_in: bool = True
    shared: bool = False
    direct_to: str | None = None

    @property
    def kind(self) -> str:
        """The type that conversations.list uses."""
        if self.direct_to:
            return "im"
        return "private_channel" if self.private else "public_channel"

    @property
    def read_scope(self) -> str:
        return READ_SCOPES[self.kind]

    def in_payloads(self) -> dict[str, str]:
        """Payloads do not contain the names of channels that are not public."""
        names = {"im": "directmessage", "private_channel": "privategroup"}
        return {"id": self.id, "name": names.get(self.kind, self.name)}

    def api_json(self, team_id: str) -> dict[str, Any]:
        if self.direct_to:
            return self._direct_json(team_id)
        return {
            "id": self.id,
            "name": self.name,
            "name_normalized": self.name,
            "is_channel": not self.private,
            "is_group": self.private and self.id.startswith("G"),
            "is_im": False,
            "is_mpim": False,
            "is_private": self.private,
            "is_archived": self.archived,
            "is_general": False,
            "is_member": self.bot_in,
            "is_shared": self.shared,
            "is_ext_shared": self.shared,
            "is_org_shared": False,
            "is_pending_ext_shared": False,
            "pending_shared": [],
            "context_team_id": team_id,
            "created": CREATED,
            "creator": "",
            "unlinked": 0,
            "topic": {"value": "", "creator": "", "last_set": 0},
            "purpose": {"value": "", "creator": "", "last_set": 0},
            "previous_names": [],
        }

    def _direct_json(self, team_id: str) -> dict[str, Any]:
        return {
            "id": self.id,
            "created": CREATED,
            "is_archived": self.archived,
            "is_im": True,
            "is_org_shared": False,
            "context_team_id": team_id,
            "user": self.direct_to,
            "is_user_deleted": self.archived,
            "priority": 0,
        }
