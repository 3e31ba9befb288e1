"""What people said about a package, each framed under their name. The latest come last."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain

from blocks.kit.elements import bold, quote, words
from blocks.kit.frame import CUT, NOTHING, Parts, aside, brief
from blocks.words.dossier import Dossier, Happened
from blocks.words.sentences import agent, named
from blocks.words.verbs import LOOKS
from rules.state.events import EventType
from rules.state.transition import Words

_FEW = 3
_SAID = ("instructions", "answer", "override_reason", "comment")
_REMARK = {verb.value: look.remark for verb, look in LOOKS.items()}
_DONE: Mapping[str, str] = {
    EventType.PACKAGE_VERSION_ADDED: "edits it",
    EventType.PACKAGE_CANCELLED: "withdraws it",
    EventType.PACKAGE_REVOKED: "revokes the approval",
    EventType.PACKAGE_PENDING: "brings it back",
    EventType.THREAD_HANDED_BACK: "hands the thread back",
    EventType.TASK_EXTENDED: "extends the deadline",
    EventType.TASK_CLAIMED: "takes it up",
    EventType.TASK_ASSIGNED: "hands it to somebody",
    EventType.TASK_RECUSED: "steps aside",
    EventType.REVIEW_JUDGED: "judges it afterwards",
}


def remarks(dossier: Dossier, most: int = 220) -> Parts:
    """The last few; the others are counted."""
    every = [one for one in dossier.history if _words_of(one.words) and one.actor != dossier.state.agent_id]
    more = len(every) - _FEW
    told = (aside(f"{more} earlier in Details."),) if more > 0 else ()
    return (*told, *chain.from_iterable(_remark(dossier, one, most) for one in every[-_FEW:]))


def _remark(dossier: Dossier, one: Happened, most: int) -> Iterator[dict[str, object]]:
    did = _DONE.get(one.event_type) or _REMARK.get(one.decision or "") or "says"
    yield from spoken(f"{speaker(dossier, one.actor)} {did}:", _words_of(one.words) or "", most)


def spoken(heading: str, text: str, most: int) -> Parts:
    shown, whole = brief(text, most, 4)
    more = () if whole else (CUT,)
    return (words(bold(heading)), quote(shown or NOTHING), *more)


def speaker(dossier: Dossier, actor: str) -> str:
    return agent(dossier) if actor == dossier.state.agent_id else named(dossier, actor)


def _words_of(said: Words) -> str | None:
    """A comment stands beside instructions or a reason at times: what was asked for comes first."""
    return next((text for name in _SAID if isinstance(text := said.get(name), str)), None)
