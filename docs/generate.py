# ruff: noqa: INP001 - a folder of documents is not a package
"""Updates the generated parts of these documents: `python -m docs.generate`. A test fails if they are out of date."""

from __future__ import annotations

import re
from pathlib import Path

from rules.record.diagram import mermaid_diagram, verbs_without_transition

LIFE = Path(__file__).parent / "life.md"
_GENERATED = re.compile(r"(?<=<!-- drawn from rules/verbs/table.py -->\n).*(?=<!-- end -->)", re.DOTALL)


def generate_diagram() -> str:
    verbs = ", ".join(f"`{verb}`" for verb in verbs_without_transition())
    return f"\n```mermaid\n{mermaid_diagram()}\n```\n\nThese verbs do not change the status: {verbs}.\n\n"


def regenerate(text: str) -> str:
    """The document with its generated part up to date."""
    return _GENERATED.sub(lambda _: generate_diagram(), text)


if __name__ == "__main__":
    LIFE.write_text(regenerate(LIFE.read_text()))
