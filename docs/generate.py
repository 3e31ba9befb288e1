# ruff: noqa: INP001 - a folder of documents is no package
"""Rewrites what these documents draw from the code: `python -m docs.generate`. A test says when that is due."""

from __future__ import annotations

import re
from pathlib import Path

from rules.verbs.diagram import mermaid_diagram, verbs_without_transition

LIFE = Path(__file__).parent / "life.md"
_DRAWN = re.compile(r"(?<=<!-- drawn from rules/verbs/table.py -->\n).*(?=<!-- end -->)", re.DOTALL)


def drawn() -> str:
    verbs = ", ".join(f"`{verb}`" for verb in verbs_without_transition())
    return f"\n```mermaid\n{mermaid_diagram()}\n```\n\nTaken without changing the status: {verbs}.\n\n"


def renewed(text: str) -> str:
    """The document with its drawn part as it should be."""
    return _DRAWN.sub(lambda _: drawn(), text)


if __name__ == "__main__":
    LIFE.write_text(renewed(LIFE.read_text()))
