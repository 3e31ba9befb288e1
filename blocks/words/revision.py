"""What has changed in this version, for a reviewer who has read the previous one.

`changes` lists the differences one by one, for Details; `changes_line` is the one line on the card, about what an
approval releases. Of a long value, only the part around the difference is shown. `rules.package.diff` finds them.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import takewhile
from operator import eq
from typing import Any

from blocks.kit.elements import Run, bold
from blocks.kit.frame import Parts, aside, framed_lines, shorten
from blocks.kit.parameters import exact_json_line
from blocks.kit.text import cut
from blocks.words.dossier import Dossier
from blocks.words.sentences import agent_name, person_name
from rules.package.diff import Change, ChangeKind, difference, released_changes
from rules.state.events import EventType
from rules.visible import escape_invisible

_MAX_CHANGES = 8
_PATH = 60  # characters of the path to a value
_WORDING = 20  # characters of the service's own words and signs in a line
_FEW = 3  # changes on the card
_BRIEF = 48  # characters of a change on the card
_MARKS = 2  # quotation marks
_CONTEXT = 16  # characters of context on each side of a difference, if there is room


def version_author(dossier: Dossier) -> str:
    editor = _editor(dossier)
    who = person_name(dossier, editor) if editor else agent_name(dossier)
    return f"Version {dossier.state.version} is by {who}. Earlier votes no longer count."


def _editor(dossier: Dossier) -> str | None:
    """The reviewer who wrote this version; None if the agent did."""
    added = [event for event in dossier.history if event.event_type == EventType.PACKAGE_VERSION_ADDED]
    editor = added[-1].words.get("edited_by") if added else None
    return editor if isinstance(editor, str) else None


def changes(dossier: Dossier, side: int = 60, limit: int = _MAX_CHANGES) -> Parts:
    """What differs from the previous version. Empty for a first one, or if retention has emptied either.

    `side`: how many characters the value before and the value after may have.
    """
    if dossier.before is None or dossier.package is None:
        return ()
    differences = difference(dossier.before, dossier.package)
    title = f"Changed since version {dossier.state.version - 1}"
    lines = [shorten(_line(change, side), 2 * side + _PATH + _WORDING) for change in differences[:limit]]
    return framed_lines(title, lines, len(differences) - limit) or (aside(f"{title}: nothing that is shown here."),)


def changes_line(dossier: Dossier) -> list[Run]:
    """On one line, what is new in what an approval releases. Empty for a first version, as `changes`."""
    if dossier.before is None or dossier.package is None:
        return []
    released = released_changes(dossier.before, dossier.package)
    summaries = [_in_brief(change) for change in released[:_FEW]]
    summaries += [f"{len(released) - _FEW} more"] if len(released) > _FEW else []
    by = f" by {person_name(dossier, editor)}" if (editor := _editor(dossier)) else ""
    heading = bold(f"Version {dossier.state.version}{by}: ")
    return [heading, " · ".join(summaries) or "an approval releases the same as before"]


def _in_brief(change: Change) -> str:
    """Short values in full. Of a long one, the card shows the new value, and Details the difference."""
    path = cut(escape_invisible(change.path.removeprefix("action_parameters.")), _BRIEF)
    if change.kind is not ChangeKind.CHANGED:
        return f"{path} {change.kind}"
    sides = f"{exact_json_line(change.before)} → {exact_json_line(change.after)}"
    return f"{path} {sides}" if len(sides) <= _BRIEF else f"new {path}"


def _line(change: Change, side: int) -> str:
    path = escape_invisible(change.path.removeprefix("action_parameters."))
    return f"• {cut(path, _PATH)}: {' '.join(_sides(change, side))}"


def _sides(change: Change, side: int) -> Iterator[str]:
    match change.kind:
        case ChangeKind.ADDED:
            yield f"added {_value(change.after, side)}"
        case ChangeKind.REMOVED:
            yield f"removed, was {_value(change.before, side)}"
        case ChangeKind.CHANGED:
            yield " → ".join(_both(change.before, change.after, side))


def _both(before: Any, after: Any, side: int) -> Iterator[str]:
    """Quotation marks stand around the part of a text that is shown, so that none is cut off."""
    are_texts = isinstance(before, str) and isinstance(after, str)
    old, new = (_unquoted(before), _unquoted(after)) if are_texts else map(exact_json_line, (before, after))
    begin, end = _common_lengths(old, new)
    for text in (old, new):
        yield f'"{_around(text, begin, end, side - _MARKS)}"' if are_texts else _around(text, begin, end, side)


def _value(value: Any, side: int) -> str:
    return f'"{cut(_unquoted(value), side - _MARKS)}"' if isinstance(value, str) else cut(exact_json_line(value), side)


def _unquoted(text: str) -> str:
    return exact_json_line(text)[1:-1]


def _common_lengths(before: str, after: str) -> tuple[int, int]:
    """The lengths of the common beginning and of the common end."""
    begin = _common_prefix(before, after)
    return begin, _common_prefix(before[begin:][::-1], after[begin:][::-1])


def _common_prefix(first: str, second: str) -> int:
    return len(list(takewhile(bool, map(eq, first, second))))


def _around(text: str, begin: int, end: int, side: int) -> str:
    """The part that differs, with some context. If both texts were cut at the same place, they could look the same.

    `begin` and `end` are the lengths of what both texts have in common, and `side` the room in characters.
    """
    if len(text) <= side:
        return text
    context = min(_CONTEXT, side // 4)
    start, differs_until = max(0, begin - context), len(text) - end
    if start:
        start = text.find(" ", start, begin) + 1 or start  # at the start of a word, if there is one
        before = text[:start]
        start += (start - len(before.rstrip("\\"))) % 2  # not in an escape: an escaped mark alone would end the text
    stop = differs_until + context
    if stop < len(text) and " " in text[differs_until + 1 : stop]:
        stop = text.rindex(" ", differs_until, stop)  # at the end of a word
    lead, trail = "…" if start else "", "…" if stop < len(text) else ""
    return lead + cut(text[start:stop] + trail, side - len(lead))
