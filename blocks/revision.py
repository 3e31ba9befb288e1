"""What is new in this version, for the reviewer who has read the one before."""

from __future__ import annotations

from collections.abc import Iterator

from blocks.dossier import Dossier
from blocks.frame import Parts, aside, lined, short
from blocks.parameters import exactly_in_line, spelled
from blocks.sentences import agent, named
from blocks.text import cut
from rules.difference import Change, ChangeKind, difference

_MOST = 8
_PATH = 60


def made_by(dossier: Dossier) -> str:
    """Whose version this is."""
    added = [one for one in dossier.history if one.event_type == "package.version_added"]
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
    return f"• {cut(spelled(change.path), _PATH)}: {' '.join(_sides(change, side))}"


def _sides(change: Change, side: int) -> Iterator[str]:
    before, after = (cut(exactly_in_line(value), side) for value in (change.before, change.after))
    match change.kind:
        case ChangeKind.ADDED:
            yield f"added {after}"
        case ChangeKind.REMOVED:
            yield f"removed, was {before}"
        case ChangeKind.CHANGED:
            yield f"{before} → {after}"
