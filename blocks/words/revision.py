"""What is new in this version, for the reviewer who has read the one before."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import takewhile
from operator import eq

from blocks.kit.frame import Parts, aside, lined, short
from blocks.kit.parameters import exactly_in_line
from blocks.kit.text import cut
from blocks.words.dossier import Dossier
from blocks.words.sentences import agent, named
from rules.package.diff import Change, ChangeKind, difference
from rules.package.visible import escape_invisible
from rules.state.events import EventType

_MOST = 8
_PATH = 60
_BESIDE = 16  # so much of what is the same stands on either side of what differs, where there is room


def made_by(dossier: Dossier) -> str:
    """Whose version this is."""
    added = [one for one in dossier.history if one.event_type == EventType.PACKAGE_VERSION_ADDED]
    editor = added[-1].words.get("edited_by") if added else None
    who = named(dossier, editor) if isinstance(editor, str) else agent(dossier)
    return f"Version {dossier.state.version} is by {who}. Votes on earlier versions do not count for it."


def changes(dossier: Dossier, side: int = 60) -> Parts:
    """Nothing for a first version, or where one of both has been emptied."""
    if dossier.before is None or dossier.package is None:
        return ()
    found = difference(dossier.before, dossier.package)
    title = f"Changed since version {dossier.state.version - 1}"
    lines = [short(_line(change, side), 2 * side + _PATH + 20) for change in found[:_MOST]]
    return lined(title, lines, len(found) - _MOST) or (aside(f"{title}: nothing that is shown here."),)


def _line(change: Change, side: int) -> str:
    return f"• {cut(escape_invisible(change.path), _PATH)}: {' '.join(_sides(change, side))}"


def _sides(change: Change, side: int) -> Iterator[str]:
    before, after = exactly_in_line(change.before), exactly_in_line(change.after)
    match change.kind:
        case ChangeKind.ADDED:
            yield f"added {cut(after, side)}"
        case ChangeKind.REMOVED:
            yield f"removed, was {cut(before, side)}"
        case ChangeKind.CHANGED:
            begin, end = _shared(before, after)
            yield f"{_around(before, begin, end, side)} → {_around(after, begin, end, side)}"


def _shared(before: str, after: str) -> tuple[int, int]:
    """How much is the same at the beginning, and how much of the rest at the end."""
    begin = _alike(before, after)
    return begin, _alike(before[begin:][::-1], after[begin:][::-1])


def _alike(one: str, other: str) -> int:
    return len(list(takewhile(bool, map(eq, one, other))))


def _around(text: str, begin: int, end: int, side: int) -> str:
    """What differs, in a few words of what does not: two long texts that begin alike would be cut to the same."""
    if len(text) <= side:
        return text
    beside = min(_BESIDE, side // 4)
    first, same = max(0, begin - beside), len(text) - end
    if first:
        first = text.find(" ", first, begin) + 1 or first  # where a word begins, if one does there
    last = same + beside
    if last < len(text) and " " in text[same + 1 : last]:
        last = text.rindex(" ", same, last)  # and where one ends
    lead, trail = "…" if first else "", "…" if last < len(text) else ""
    return lead + cut(text[first:last] + trail, side - len(lead))
