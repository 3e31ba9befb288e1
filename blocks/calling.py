"""The one line that calls somebody: the only place where anybody is mentioned."""

from __future__ import annotations

from blocks.dossier import Dossier
from blocks.elements import Block, section
from blocks.sentences import call

_ASKED = 20  # one by one; a group is one


def calling(dossier: Dossier) -> tuple[Block, ...]:
    """Nothing where nobody is to be called."""
    if not dossier.asked:
        return ()
    more = f" and {len(dossier.asked) - _ASKED} others" if len(dossier.asked) > _ASKED else ""
    return (section(f"{' '.join(dossier.asked[:_ASKED])}{more}: please {call(dossier.state)}."),)
