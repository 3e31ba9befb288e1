"""Agents as processes of their own, told by their environment where the service is."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from tests.sdk.network import Network
from tests.slack.office import Office

HERE = Path(__file__).parent


async def started(office: Office, wire: Network, script: Path, *arguments: object) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, str(script), *map(str, arguments)),
        env=os.environ | {"COUNTERSIGN_URL": wire.url, "COUNTERSIGN_AGENT_KEY": office.key},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
