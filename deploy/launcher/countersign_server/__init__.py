"""The one name that an installed wheel adds to an environment.

In a checkout the service is `bot`, `rules`, `store` and so on, at the top. An installed wheel keeps these folders
inside this one, because other projects use such names too. `main` makes them importable for its own process, before
anything else that has the same name.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NoReturn


def main() -> NoReturn:
    sys.path.insert(0, str(Path(__file__).parent))
    from bot.cli import main as run  # noqa: PLC0415 - importable only now

    run()
