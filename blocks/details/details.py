"""Details: everything that is known about a package, over as many pages as it needs.

Each page can be read alone: it says which package it is about, and a section that continues from the page before
repeats its heading, so that the agent's words are never without their frame.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from json import dumps
from typing import NamedTuple

from blocks.card import content
from blocks.card.blind_look import look_line
from blocks.card.facts import deadline_line, escalation_sentence, verified_facts
from blocks.details.agent import ASKED, ECHOED, REASONS, field_blocks, short_field_blocks
from blocks.details.checked import (
    earlier_decision_blocks,
    id_blocks,
    level_blocks,
    level_heading,
    terms_blocks,
    terms_heading,
    vote_blocks,
)
from blocks.kit.changes import change_in_full
from blocks.kit.elements import (
    Block,
    Element,
    actions,
    bullets,
    button,
    header,
    link,
    paragraph,
    rich,
    section,
    statement,
)
from blocks.kit.ids import ActionId, FormId, Ref
from blocks.words.choices import OPEN_CARD, all_choices, missing_line
from blocks.words.dossier import Dossier
from blocks.words.history import history_blocks, message_blocks
from blocks.words.outcome import outcome_line, outcome_sentence
from blocks.words.revision import version_author
from blocks.words.sentences import EMPTIED, request_sentence, title_of, why_silence_stopped
from blocks.words.stops import stop_on_card, stop_parts
from blocks.words.thread_looks import THREAD_LOOKS
from blocks.words.views import View, about_block, modal
from rules.package.diff import difference
from rules.package.model import DecisionPackage
from rules.state.model import Status
from rules.threads.commands import ThreadVerb
from rules.threads.model import ThreadStatus, thread_key
from rules.verbs.trials import requested_verb

# Slack accepts 100 blocks and 250 KB per view. A page stays well below, so that a phone can scroll through it.
PAGE_BLOCKS = 90
PAGE_BYTES = 100_000

_THREAD_BUTTON = {
    ThreadStatus.RUNNING: THREAD_LOOKS[ThreadVerb.HOLD],
    ThreadStatus.HELD: THREAD_LOOKS[ThreadVerb.RESUME],
}
_NUMBER = re.compile("[1-9][0-9]{0,5}")


class Section(NamedTuple):
    heading: str
    blocks: Iterable[Block]


Page = list[Block]


def details_view(dossier: Dossier, page: int = 1) -> View:
    """One page of Details, or the nearest page if there is no such page."""
    all_pages = _pages(dossier)
    number = min(max(page, 1), len(all_pages))
    blocks = (
        about_block(dossier),
        *_overview(dossier, number),
        *_previous_page(dossier, number, len(all_pages)),
        *all_pages[number - 1],
        *_next_page(dossier, number, len(all_pages)),
    )
    return modal(FormId.DETAILS, "Details", blocks, metadata=f"{number} {dossier.ref}")


def content_page_count(dossier: Dossier) -> int:
    """How many pages, from the first, contain the content that an approval releases."""
    paging = _Paging()
    paging.add(*next(_sections(dossier)))
    return len(paging.pages)


def read_page(value: str) -> tuple[int, Ref] | None:
    """The page and the reference in a button's value or in the private metadata."""
    number, _, ref = value.partition(" ")
    parsed = Ref.read(ref)
    return (int(number), parsed) if parsed and _NUMBER.fullmatch(number) else None


def _sections(dossier: Dossier) -> Iterator[Section]:
    package = dossier.package
    if package:
        yield Section("Exactly what is proposed", content.full_content(dossier))
        yield Section("What the agent asks for", field_blocks(package, ASKED))
    else:
        yield Section("What the agent asked for", [rich(paragraph(EMPTIED))])
    if package and dossier.before:
        changes = difference(dossier.before, package)
        heading = f"What has changed since version {dossier.state.version - 1}"
        yield Section(heading, (block for change in changes for block in change_in_full(change)))
    yield Section(level_heading(dossier.state), level_blocks(dossier))
    if dossier.look:
        yield from _rest_of_proposal(dossier)
        return
    yield Section(terms_heading(dossier.state), terms_blocks(dossier))
    yield Section("Who has decided", vote_blocks(dossier))
    yield Section("Messages", message_blocks(dossier))
    yield Section("Earlier decisions on the same subject", earlier_decision_blocks(dossier))
    yield from _as_posted(package)
    yield Section("History", history_blocks(dossier))
    yield Section("Ids", (verified_facts(dossier), *id_blocks(dossier)))


def _rest_of_proposal(dossier: Dossier) -> Iterator[Section]:
    """For a blind second look: nothing that people did, and nothing that tells how much they did."""
    yield Section("Earlier decisions on the same subject", earlier_decision_blocks(dossier))
    yield from _as_posted(dossier.package)


def _as_posted(package: DecisionPackage | None) -> Iterator[Section]:
    if package:
        yield Section("The agent's reasons", field_blocks(package, REASONS))
        yield Section("As the agent posted it", (*short_field_blocks(package), *field_blocks(package, ECHOED)))


def _pages(dossier: Dossier) -> list[Page]:
    paging = _Paging()
    for heading, blocks in _sections(dossier):
        paging.add(heading, blocks)
    return paging.pages


class _Paging:
    """Distributes blocks over pages. Each section has its heading on each of its pages; empty sections have none."""

    def __init__(self) -> None:
        self.pages: list[Page] = [[]]
        self._bytes = 0

    def add(self, heading: str, blocks: Iterable[Block]) -> None:
        """Append a section. A new page begins whenever the next block does not fit."""
        is_begun, needs_heading = False, True
        for block in blocks:
            size = len(dumps(block))
            if self._is_full(size, 2 if needs_heading else 1):
                self._begin_page()
                needs_heading = True
            if needs_heading:
                self.pages[-1].append(header(f"{heading}, continued" if is_begun else heading))
            self.pages[-1].append(block)
            self._bytes += size
            is_begun, needs_heading = True, False

    def _is_full(self, size: int, block_count: int) -> bool:
        return len(self.pages[-1]) + block_count > PAGE_BLOCKS or self._bytes + size > PAGE_BYTES

    def _begin_page(self) -> None:
        self.pages.append([])
        self._bytes = 0


def _overview(dossier: Dossier, number: int) -> Iterator[Block]:
    """The status, what happened so far, and what the reader may do."""
    if number > 1:
        return
    if dossier.look:
        yield rich(look_line(dossier.look))
        yield from _choices(dossier)
        return
    pending = dossier.state.status is Status.PENDING
    yield statement(request_sentence(dossier) if pending else outcome_sentence(dossier))
    state_line = deadline_line(dossier) if pending else outcome_line(dossier)
    yield rich(state_line, *(stop_on_card(dossier) or stop_parts(dossier)))
    if sentences := list(_progress(dossier)):
        yield rich(bullets([sentence] for sentence in sentences))
    if dossier.card_link:
        yield rich(paragraph(link(dossier.card_link, OPEN_CARD)))
    yield from missing_line(dossier.offer)
    yield from _choices(dossier)


def _choices(dossier: Dossier) -> Iterator[Block]:
    choices = all_choices(dossier.offered, requested_verb(dossier.state), dossier.ref, title_of(dossier))
    if choices := [*choices, *_thread_buttons(dossier)]:
        yield actions(choices)


def _thread_buttons(dossier: Dossier) -> Iterator[Element]:
    """For every reader: what a person may do with a thread depends on all of its packages, so a click says it."""
    if dossier.state.thread_id is None or dossier.look:
        return
    key, name = thread_key(dossier.state.thread_id), title_of(dossier)
    if look := _THREAD_BUTTON.get(dossier.thread.status if dossier.thread else ThreadStatus.RUNNING):
        yield button(look.label, look.action, key, accessible_label=f"{look.label} of {name}")
    yield button("Thread", ActionId.THREAD, key, accessible_label=f"Open the thread of {name}")


def _progress(dossier: Dossier) -> Iterator[str]:
    if sentence := why_silence_stopped(dossier.state):
        yield sentence
    if dossier.state.task.rung:
        yield escalation_sentence(dossier)
    if dossier.state.version > 1:
        yield version_author(dossier)


def _previous_page(dossier: Dossier, number: int, last: int) -> Iterator[Block]:
    """Back and Next are in different blocks because both have the same action id."""
    if last > 1:
        yield section(f"Page {number} of {last}", _page_button(dossier, number - 1) if number > 1 else None)


def _next_page(dossier: Dossier, number: int, last: int) -> Iterator[Block]:
    if number < last:
        yield section(f"Page {number} of {last}", _page_button(dossier, number + 1))


def _page_button(dossier: Dossier, number: int) -> Element:
    return button(
        f"Page {number}", ActionId.PAGE, f"{number} {dossier.ref}", accessible_label=f"Page {number} of Details"
    )
