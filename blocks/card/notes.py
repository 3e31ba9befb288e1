"""What is said in a card's thread, so that the thread reads as its story. Only what calls somebody mentions anybody."""

from __future__ import annotations

from blocks.card.claims import standing as handover
from blocks.card.facts import climbed
from blocks.card.mentions import calling, withdrawn
from blocks.kit.elements import Block, bold, rich, section, words
from blocks.kit.message import Message
from blocks.kit.room import Measure
from blocks.kit.text import escaped, in_utc, line, when
from blocks.words.dossier import Dossier
from blocks.words.outcome import because, standing, thread, told
from blocks.words.quotes import remarks
from blocks.words.revision import changes, made_by
from blocks.words.sentences import Tell, goes_ahead_at, if_nobody, title_of
from blocks.words.sentences import hardened as why_hard
from rules.wording import with_article


def escalated(dossier: Dossier) -> Message:
    """To those who are asked from now on, with what was said so far."""
    said = climbed(dossier)
    return _message(dossier, said, *calling(dossier), rich(words(said), *remarks(dossier)))


def hardened(dossier: Dossier) -> Message:
    """To those whose silence was enough until now: a card that was soft has called nobody."""
    said = why_hard(dossier.state) or "Silence no longer counts. This waits for a yes."
    return _message(dossier, said, *calling(dossier), rich(words(said), *remarks(dossier)))


def reminded(dossier: Dossier) -> Message:
    waits = f"This still waits for {with_article(dossier.state.task.required_role)}"
    said, aloud = (f"{waits}{_what_then(dossier, tell)}" for tell in (when, in_utc))
    return _message(dossier, aloud, *calling(dossier), section(said))


def _what_then(dossier: Dossier, tell: Tell) -> str:
    state, at = dossier.state, goes_ahead_at(dossier)
    if not state.soft:
        return f", until {tell(state.ends_at)}. If nobody decides, {if_nobody(state)}."
    ahead = (
        f"It goes ahead by itself after {tell(at)}, unless somebody objects." if at else "Silence does not count yet."
    )
    return f". {ahead}"


def decided(dossier: Dossier) -> Message:
    """The line of the record: who decided what, and why, in their words."""
    said = told(dossier)
    heading = words(bold(f"{standing(dossier.state)}. "), said)
    return _message(
        dossier, f"{standing(dossier.state)}. {said}", *withdrawn(dossier), rich(heading, *because(dossier))
    )


def unused(dossier: Dossier) -> Message:
    """To those who let it go ahead: nothing has come of it yet."""
    lapses = dossier.state.lapses_at
    waits = f"{standing(dossier.state)}, and not carried out yet."
    said, aloud = (f"{waits} The permission lapses {tell(lapses)}." if lapses else waits for tell in (when, in_utc))
    return _message(dossier, aloud, section(said))


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
