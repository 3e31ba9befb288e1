"""Details: everything that there is to know of a package, over as many pages as it takes.

Each page stands on its own: it says what it is about, and a section that goes on from the page before has its heading
again, so that what the agent says is never without its frame.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from json import dumps
from typing import NamedTuple

from blocks.card import approved
from blocks.card.facts import climbed
from blocks.details.agent import ASKED, ECHOED, REASONS, drawn, short
from blocks.details.checked import earlier, ids, level, terms, votes, who_is_asked, why_asked
from blocks.kit.changes import in_full
from blocks.kit.elements import Block, Element, actions, bullets, button, header, rich, section, statement, words
from blocks.kit.ids import ActionId, FormId, Ref
from blocks.kit.text import when
from blocks.words.dossier import Dossier
from blocks.words.history import history
from blocks.words.outcome import figures, told
from blocks.words.revision import made_by
from blocks.words.sentences import EMPTIED, hardened, request, timing, title_of
from blocks.words.verbs import LOOKS, Place, offered_at
from blocks.words.views import View, about, modal
from rules.package.diff import difference
from rules.state.commands import Verb
from rules.state.model import Status

# Slack takes 100 blocks and 250 KB in a view. A page keeps well below, and a phone can still scroll through it.
PAGE_BLOCKS = 90
PAGE_BYTES = 100_000

_NUMBER = re.compile("[1-9][0-9]{0,5}")


class Section(NamedTuple):
    heading: str
    blocks: Iterable[Block]


Page = list[Block]


def details(dossier: Dossier, page: int = 1) -> View:
    """A page of it; the nearest one where there is no such page."""
    all_pages = _pages(dossier)
    number = min(max(page, 1), len(all_pages))
    blocks = (
        about(dossier),
        *_first(dossier, number),
        *_before(dossier, number, len(all_pages)),
        *all_pages[number - 1],
        *_after(dossier, number, len(all_pages)),
    )
    return modal(FormId.DETAILS, "Details", blocks, metadata=f"{number} {dossier.ref}")


def pages(dossier: Dossier) -> int:
    return len(_pages(dossier))


def exact_pages(dossier: Dossier) -> int:
    """On how many pages, from the first on, stands what an approval is for."""
    paging = _Paging()
    paging.add(*next(_sections(dossier)))
    return len(paging.pages)


def read_page(written: str) -> tuple[int, Ref] | None:
    """Of a button or of the private metadata: the page, and what its reader had before them."""
    number, _, ref = written.partition(" ")
    found = Ref.read(ref)
    return (int(number), found) if found and _NUMBER.fullmatch(number) else None


def _sections(dossier: Dossier) -> Iterator[Section]:
    package = dossier.package
    if package:
        yield Section("Exactly what is proposed", approved.whole(package))
        yield Section("What the agent asks for", drawn(package, ASKED))
    else:
        yield Section("What the agent asked for", [rich(words(EMPTIED))])
    if package and dossier.before:
        changes = difference(dossier.before, package)
        heading = f"What has changed since version {dossier.state.version - 1}"
        yield Section(heading, (block for change in changes for block in in_full(change)))
    yield Section(why_asked(dossier.state), level(dossier))
    yield Section(who_is_asked(dossier.state), terms(dossier))
    yield Section("Who has decided", votes(dossier))
    yield Section("Decided before about the same", earlier(dossier))
    if package:
        yield Section("What the agent says for it", drawn(package, REASONS))
        yield Section("What the agent says of itself", (*short(package), *drawn(package, ECHOED)))
    yield Section("History", history(dossier))
    yield Section("Ids", ids(dossier))


def _pages(dossier: Dossier) -> list[Page]:
    paging = _Paging()
    for heading, blocks in _sections(dossier):
        paging.add(heading, blocks)
    return paging.pages


class _Paging:
    """Fills page after page. A heading stands only above something, and again above what goes on."""

    def __init__(self) -> None:
        self.pages: list[Page] = [[]]
        self._bytes = 0

    def add(self, heading: str, blocks: Iterable[Block]) -> None:
        begun, fresh = False, True
        for block in blocks:
            size = len(dumps(block))
            if self._full(size, 1 + fresh):
                self._turn()
                fresh = True
            if fresh:
                self.pages[-1].append(header(f"{heading}, continued" if begun else heading))
            self.pages[-1].append(block)
            self._bytes += size
            begun, fresh = True, False

    def _full(self, size: int, count: int) -> bool:
        return len(self.pages[-1]) + count > PAGE_BLOCKS or self._bytes + size > PAGE_BYTES

    def _turn(self) -> None:
        self.pages.append([])
        self._bytes = 0


def _first(dossier: Dossier, number: int) -> Iterator[Block]:
    """How it stands and how it came to, and what can be done about it beyond the card."""
    if number > 1:
        return
    pending = dossier.state.status is Status.PENDING
    yield _asked(dossier) if pending else statement(told(dossier), figures(dossier.state))
    if course := list(_course(dossier)):
        yield rich(bullets([told_of] for told_of in course))
    if verbs := offered_at(Place.DETAILS, dossier.offered):
        yield actions(_to_do(dossier, verb) for verb in verbs)


def _course(dossier: Dossier) -> Iterator[str]:
    if said := hardened(dossier.state):
        yield said
    if dossier.state.task.rung:
        yield climbed(dossier)
    if dossier.state.version > 1:
        yield made_by(dossier)


def _asked(dossier: Dossier) -> Block:
    return statement(request(dossier), timing(dossier, when))


def _to_do(dossier: Dossier, verb: Verb) -> Element:
    label = LOOKS[verb].label
    return button(label, verb, str(dossier.ref), spoken=f"{label}: {title_of(dossier)}")


def _before(dossier: Dossier, number: int, last: int) -> Iterator[Block]:
    """The way back. It stands in another block than the way on, because both bear the same action id."""
    if last > 1:
        yield section(f"Page {number} of {last}", _to(dossier, number - 1) if number > 1 else None)


def _after(dossier: Dossier, number: int, last: int) -> Iterator[Block]:
    if number < last:
        yield section(f"Page {number} of {last}", _to(dossier, number + 1))


def _to(dossier: Dossier, number: int) -> Element:
    return button(f"Page {number}", ActionId.PAGE, f"{number} {dossier.ref}", spoken=f"Page {number} of Details")
