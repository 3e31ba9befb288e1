"""The plain text of a card, for notifications and screen readers: one escaped line without markup."""

from __future__ import annotations

from blocks.card.buttons import verbs_on_buttons
from blocks.kit.text import escape, one_line
from blocks.words.dossier import Dossier
from blocks.words.outcome import outcome_sentence, outcome_timing
from blocks.words.sentences import request_sentence, risk_label, timing_sentence
from blocks.words.status import status_label
from blocks.words.verbs import LOOKS
from rules.state.model import Status


def fallback_text(dossier: Dossier, title: str) -> str:
    """The request or the outcome first, then who, until when, and what to do."""
    pending = dossier.state.status is Status.PENDING
    return escape(one_line(_request_text(dossier, title) if pending else _outcome_text(dossier, title)))


def _request_text(dossier: Dossier, title: str) -> str:
    labels = ", ".join(LOOKS[verb].label for verb in verbs_on_buttons(dossier))
    choices = f"Open Details to read it, or choose: {labels}."
    heading = f"{risk_label(dossier.state).capitalize()}: {with_full_stop(title)}"
    return f"{heading} {request_sentence(dossier)} {timing_sentence(dossier)} {choices}"


def _outcome_text(dossier: Dossier, title: str) -> str:
    heading = f"{status_label(dossier.state)}: {with_full_stop(title)}"
    return f"{heading} {outcome_sentence(dossier)} {outcome_timing(dossier.state)}"


def with_full_stop(title: str) -> str:
    """The title with a full stop, but no capital letter: it may be an action type."""
    return title if title.endswith((".", "?", "!", "…")) else f"{title}."
