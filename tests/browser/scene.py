"""The workspace of the browser tests: the office's, with titles that tell the people apart."""

from __future__ import annotations

from typing import Any

import pytest

from playground.slack import Slack
from tests.blocks.proposals import NOTICE, REFUND
from tests.bot.slack.office import ADAM, CHANNEL, GROUP, OWEN, RITA, ROSE, SENTA, SUSI, furnish
from tests.bot.slack.office import SOFT as PLAIN

SECOND = "C0SECOND"
TITLES = {
    RITA: "Reviewer",
    SENTA: "Senior reviewer",
    SUSI: "Supervisor",
    ROSE: "Requester",
    OWEN: "Owner of the agent",
    ADAM: "Admin",
}
SOFT: dict[str, Any] = {**PLAIN, **REFUND, "action_type": "record.read"}
GRAVE: dict[str, Any] = NOTICE

# One browser and therefore one loop for all tests; SQLite, because they test the page and not the database.
IN_BROWSER = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
]
__all__ = ["ADAM", "CHANNEL", "GRAVE", "GROUP", "IN_BROWSER", "RITA", "ROSE", "SECOND", "SENTA", "SOFT", "SUSI"]


def scene(slack: Slack) -> None:
    furnish(slack)
    for user, title in TITLES.items():
        slack.change_person(user, title=title)
    slack.change_person(ADAM, admin=True)
    slack.change_group(GROUP, handle="seniors")
    slack.add_channel(SECOND, name="general", members=slack.workspace.channels[CHANNEL].members)
