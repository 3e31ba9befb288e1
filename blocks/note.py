"""What is said in a card's thread, so that the thread reads as its story. Only what calls somebody mentions anybody."""

from __future__ import annotations

from blocks.calling import calling
from blocks.claims import standing as handover
from blocks.dossier import Dossier
from blocks.elements import Block, bold, rich, section, words
from blocks.facts import climbed
from blocks.measure import Measure
from blocks.message import Message
from blocks.outcome import because, standing, thread, told
from blocks.remarks import remarks
from blocks.revision import changes, made_by
from blocks.sentences import a, if_nobody, title_of
from blocks.text import escaped, in_utc, line, when


def escalated(dossier: Dossier) -> Message:
    """To those who are asked from now on, with what was said so far."""
    said = climbed(dossier)
    return _message(dossier, said, *calling(dossier), rich(words(said), *remarks(dossier)))


def reminded(dossier: Dossier) -> Message:
    state = dossier.state
    waits = f"This still waits for {a(state.task.required_role)}"
    sentence = f"{waits}, until {when(state.ends_at)}. If nobody decides, {if_nobody(state)}."
    aloud = f"{waits}, until {in_utc(state.ends_at)}. If nobody decides, {if_nobody(state)}."
    return _message(dossier, aloud, *calling(dossier), section(sentence))


def decided(dossier: Dossier) -> Message:
    """The line of the record: who decided what, and why, in their words."""
    said = told(dossier)
    heading = words(bold(f"{standing(dossier.state)}. "), said)
    return _message(dossier, f"{standing(dossier.state)}. {said}", rich(heading, *because(dossier)))


def new_version(dossier: Dossier) -> Message:
    """To those who may have read the one before: only what is different."""
    said = made_by(dossier)
    return _message(dossier, said, *calling(dossier), rich(words(said), *changes(dossier)))


def taken_over(dossier: Dossier) -> Message:
    """With what a person needs to go on."""
    said = told(dossier)
    handed = handover(dossier.package.takeover, Measure()) if dossier.package else ()
    return _message(dossier, said, rich(words(bold(f"{standing(dossier.state)}. "), said), *because(dossier), *handed))


def handed_back(dossier: Dossier) -> Message:
    said = thread(dossier)
    return _message(dossier, said, rich(words(said)))


def _message(dossier: Dossier, said: str, *blocks: Block) -> Message:
    return Message(escaped(line(f"{title_of(dossier)}: {said}")), blocks)
