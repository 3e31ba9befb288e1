"""The one line that calls somebody: the only place where anybody is mentioned."""

from __future__ import annotations

from blocks.dossier import Dossier
from blocks.elements import Block, section
from blocks.sentences import call


def calling(dossier: Dossier) -> tuple[Block, ...]:
    """Nothing where nobody is to be called."""
    if not dossier.asked:
        return ()
    more = " and others" if dossier.others_asked else ""
    return (section(f"{' '.join(dossier.asked)}{more}: please {call(dossier.state)}."),)
