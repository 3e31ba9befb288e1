"""Start agents in their own processes, with the service's address and key in the environment."""

from __future__ import annotations

import os
from pathlib import Path

from tests.bot.slack.office import Office
from tests.sdk.network import Network
from tests.sdk.script_process import Script

HERE = Path(__file__).parent


def start_script(office: Office, wire: Network, script: Path, *arguments: object) -> Script:
    environment = os.environ | {"COUNTERSIGN_URL": wire.url, "COUNTERSIGN_AGENT_KEY": office.key}
    return Script(script, [str(argument) for argument in arguments], environment)
