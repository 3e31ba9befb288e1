"""The text of a card: what a locked phone shows and a screen reader says. One line, with nothing live in it."""

from __future__ import annotations

from blocks.kit.text import escaped, line
from blocks.words.dossier import Dossier
from blocks.words.outcome import aloud, standing, told
from blocks.words.sentences import request, risk, sentence, timing_aloud
from blocks.words.verbs import LOOKS, Place, offered_at
from rules.state.model import Status


def spoken(dossier: Dossier, title: str) -> str:
    """What is asked or what became of it first; then who, until when, and what to do."""
    pending = dossier.state.status is Status.PENDING
    return escaped(line(_asking(dossier, title) if pending else _telling(dossier, title)))


def _asking(dossier: Dossier, title: str) -> str:
    ways = ", ".join(LOOKS[verb].label for verb in offered_at(Place.CARD, dossier.offered))
    todo = f"Open Details to read it, or choose: {ways}."
    return f"{sentence(risk(dossier.state))[:-1]}: {sentence(title)} {request(dossier)} {timing_aloud(dossier)} {todo}"


def _telling(dossier: Dossier, title: str) -> str:
    return f"{standing(dossier.state)}: {sentence(title)} {told(dossier)} {aloud(dossier.state)}"
