"""Agents as processes of their own, told by their environment where the service is."""

from __future__ import annotations

import os
from pathlib import Path

from tests.bot.slack.office import Office
from tests.sdk.forked import Script
from tests.sdk.network import Network

HERE = Path(__file__).parent


def started(office: Office, wire: Network, script: Path, *arguments: object) -> Script:
    environment = os.environ | {"COUNTERSIGN_URL": wire.url, "COUNTERSIGN_AGENT_KEY": office.key}
    return Script(script, [str(each) for each in arguments], environment)
