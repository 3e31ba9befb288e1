"""The one line that calls somebody: the only place where anybody is mentioned."""

from __future__ import annotations

from blocks.kit.elements import Block, section
from blocks.words.dossier import Dossier
from blocks.words.sentences import call
from rules.state.model import Basis, Status


def withdrawn(dossier: Dossier) -> tuple[Block, ...]:
    """To those whose approval the service itself withdrew: they said yes, and it does not happen."""
    state = dossier.state
    by_itself = state.status is Status.REVOKED and state.decision is not None and state.decision.basis is Basis.POLICY
    voters = dict.fromkeys(vote.reviewer_id for vote in state.votes) if by_itself else ()
    return (section(f"{' '.join(f'<@{who}>' for who in voters)}: your approval was not used."),) if voters else ()


_MOST = 20  # a role may have many user groups


def calling(dossier: Dossier) -> tuple[Block, ...]:
    """Nothing where nobody is to be called."""
    if not dossier.asked:
        return ()
    others = dossier.others_asked or len(dossier.asked) > _MOST
    more = " and others" if others else ""
    return (section(f"{' '.join(dossier.asked[:_MOST])}{more}: please {call(dossier.state)}."),)
