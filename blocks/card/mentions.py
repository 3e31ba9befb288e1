"""The lines of the card that mention people. No other line does."""

from __future__ import annotations

from blocks.kit.elements import Block, section
from blocks.words.dossier import Dossier
from rules.state.decisions import Basis
from rules.state.model import Status


def withdrawal_line(dossier: Dossier) -> tuple[Block, ...]:
    """Tells voters that the service withdrew the approval and the action does not happen."""
    state = dossier.state
    by_itself = state.status is Status.REVOKED and state.decision is not None and state.decision.basis is Basis.POLICY
    voters = dict.fromkeys(vote.reviewer_id for vote in state.votes) if by_itself else ()
    return (section(f"{' '.join(f'<@{who}>' for who in voters)}: your approval was not used."),) if voters else ()


def approvers_line(dossier: Dossier) -> tuple[Block, ...]:
    """Those who approved it."""
    seats = dossier.state.decision.reviewers if dossier.state.decision else ()
    return (section(" ".join(seat.mention for seat in seats)),) if seats else ()


def informed_line(dossier: Dossier) -> tuple[Block, ...]:
    """The approvers and the agent's owner, after a failure."""
    return (section(" ".join(dossier.informed)),) if dossier.informed else ()


_MAX_MENTIONS = 20  # a role may have many user groups


def mention_line(dossier: Dossier) -> tuple[Block, ...]:
    """The people who are asked; nothing if there is nobody to mention."""
    return (section(" ".join(dossier.mentions[:_MAX_MENTIONS])),) if dossier.mentions else ()
