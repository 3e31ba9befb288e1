"""The answer of `/reviews policy`: the summary of the policy in force, with people, groups and channels by name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import groupby

from blocks.kit.elements import Block, Element, Run, bold, bullets, context, header, paragraph, rich, user
from blocks.kit.limits import CARD_TEXT
from blocks.kit.message import Message
from blocks.kit.text import clean
from rules.policy.summary import Line

HEADING = "The policy in force"
_ROOM = CARD_TEXT - 500  # the rest is for the header, the last note and what replaces ids
_COLUMNS = re.compile(r"\s{2,}")
_ID = re.compile(r"\b[UWSCG][A-Z0-9]{2,20}\b")


def policy(sections: Iterable[list[Line]], ids: frozenset[str]) -> Message:
    """As much of the summary as fits into a message. `ids` are those that Slack shows by name."""
    room, blocks, is_cut = _ROOM, list[Block](), False
    for section in sections:
        lines = [line for line in section if (room := room - len(line.text)) > 0]
        is_cut = is_cut or len(lines) < len(section)
        blocks += [rich(*_parts(lines, ids))] if lines else []
    more = [context("Shortened. `countersign policy check` prints all of it.")] if is_cut else []
    return Message(f"{HEADING}.", (header(HEADING), *blocks, *more))


def _parts(lines: list[Line], ids: frozenset[str]) -> Iterator[Element]:
    heading, rest = lines[0], lines[1:]
    yield paragraph(bold(clean(heading.text))) if rest else paragraph(*_runs(heading.text, ids))
    for indent, group in groupby(rest, key=lambda line: line.indent):
        items = [[*_runs(_COLUMNS.sub(" · ", line.text.strip()), ids)] for line in group]
        # The summary indents lines by 2 or 4 spaces; Slack counts the levels of a list from 0.
        yield bullets(items) | {"indent": indent // 2 - 1}


def _runs(text: str, ids: frozenset[str]) -> Iterator[Run]:
    """Ids of the policy become Slack's own elements, which show the present name and notify nobody."""
    begin, visible = 0, clean(text)
    for match in _ID.finditer(visible):
        if match[0] in ids:
            yield visible[begin : match.start()]
            yield _named(match[0])
            begin = match.end()
    yield visible[begin:]


def _named(slack_id: str) -> Element:
    if slack_id.startswith(("U", "W")):
        return user(slack_id)
    if slack_id.startswith("S"):
        return {"type": "usergroup", "usergroup_id": slack_id}
    return {"type": "channel", "channel_id": slack_id}
