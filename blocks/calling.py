"""The one line that calls somebody: the only place where anybody is mentioned."""

from __future__ import annotations

from blocks.dossier import Dossier
from blocks.elements import Block, section
from blocks.sentences import call

_MOST = 20  # a role may have many user groups


def calling(dossier: Dossier) -> tuple[Block, ...]:
    """Nothing where nobody is to be called."""
    if not dossier.asked:
        return ()
    others = dossier.others_asked or len(dossier.asked) > _MOST
    more = " and others" if others else ""
    return (section(f"{' '.join(dossier.asked[:_MOST])}{more}: please {call(dossier.state)}."),)
