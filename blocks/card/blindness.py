"""The dossier as one person, or everyone in a channel, may know it: see `rules.authority.blindness`."""

from __future__ import annotations

from dataclasses import replace

from blocks.words.dossier import Dossier, HistoryEvent, LookView
from rules.authority.blindness import Knows, as_proposed, hides_event, knowledge, without_verdict

ASKED = "You were picked for a blind second look."
HIDDEN = "Until you have judged, this does not say who decided it, how, and what came of it."


def seen_by(dossier: Dossier, viewer: str | None) -> Dossier:
    """None: everyone who sees a card in a channel."""
    look = dossier.state.look
    if look is None:
        return dossier
    match knowledge(dossier.state, viewer):
        case Knows.PROPOSAL:
            return _as_proposed(dossier, LookView(look.until, is_own=viewer is not None))
        case Knows.DECISION:
            history = tuple(event for event in dossier.history if not _is_hidden(dossier, event, viewer))
            return replace(dossier, state=without_verdict(dossier.state), history=history)
        case Knows.VERDICT:
            return dossier


def _as_proposed(dossier: Dossier, look: LookView) -> Dossier:
    nobody = dossier.tally.model_copy(update={"votes": (), "filled": 0})
    return replace(
        dossier,
        state=as_proposed(dossier.state),
        tally=nobody,
        look=look,
        decision_words={},
        mentions=(),
        informed=(),
        history=(),
        thread=None,
        thread_words={},
    )


def _is_hidden(dossier: Dossier, event: HistoryEvent, viewer: str | None) -> bool:
    return hides_event(dossier.state, event.event_type, event.actor, event.at, viewer)
