"""The scope that each use of Slack's API needs. `manifest.yml` asks for exactly these."""

from __future__ import annotations

from collections.abc import Mapping

NEEDS: Mapping[str, str] = {
    "being asked by slash command": "commands",
    "chat.postMessage": "chat:write",
    "chat.update": "chat:write",
    "users.list": "users:read",
    "e-mail addresses in users.list": "users:read.email",
    "users.lookupByEmail": "users:read.email",
    "usergroups.users.list": "usergroups:read",
    "conversations.info of a public channel": "channels:read",
    "conversations.members of a public channel": "channels:read",
    "conversations.info of a private channel": "groups:read",
    "conversations.members of a private channel": "groups:read",
}
SCOPES = frozenset(NEEDS.values())
