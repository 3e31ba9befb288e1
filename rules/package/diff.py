"""The differences between two versions, leaf by leaf, for a reviewer who has read the first one.

Values are compared as JSON: 1 and 1.0 are the same, and true is not 1. A path is written as people read it. Cards,
Details, forms and the export of decisions use the changes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, zip_longest
from json import dumps
from typing import Any

from rules.package.model import CALLS, DecisionPackage
from rules.string_enum import StringEnum


class ChangeKind(StringEnum):
    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Change:
    """One changed leaf: a scalar, an empty container, or a value that became a container or ceased to be one.

    `before` is None for an added leaf and `after` for a removed one; `kind` distinguishes that from a null.
    """

    path: str
    before: Any
    after: Any
    kind: ChangeKind


_ABSENT: Any = object()  # not None: a null is a value here
# The fields that `action_digest` covers, and those that it covers too if the package is no call.
_DIGESTED = (
    "action_type", "action_parameters", "subject_type", "subject_id", "answers", "free_answer", "response_schema",
)  # fmt: skip
_DIGESTED_CONTENT = ("kind", "title", "proposed_action", "rationale")
_SECOND_STEP = re.compile(r"[.\[]")  # how the second step of a path begins
_PLAIN_NAME = re.compile(r"[^.\[\]\"\s]+")


def difference(before: DecisionPackage, after: DecisionPackage) -> tuple[Change, ...]:
    """The changes, ordered by field of the package, then by name or index. Writing out a default changes nothing."""
    old, new = (package.model_dump(mode="json", exclude_none=True) for package in (before, after))
    return tuple(
        change
        for name in DecisionPackage.model_fields
        for change in _changes(name, old.get(name, _ABSENT), new.get(name, _ABSENT))
    )


def released_changes(before: DecisionPackage, after: DecisionPackage) -> tuple[Change, ...]:
    """The changes in what an approval releases: the fields that the action digest covers."""
    fields = _DIGESTED if after.kind in CALLS else (*_DIGESTED, *_DIGESTED_CONTENT)
    changes = difference(before, after)
    return tuple(change for change in changes if _SECOND_STEP.split(change.path, maxsplit=1)[0] in fields)


def value_changes(before: Mapping[str, Any], after: Mapping[str, Any], labels: Mapping[str, str]) -> tuple[Change, ...]:
    """The changes of some named values, in the order of their labels. A path begins with the label."""
    changed = (_changes(label, before.get(name, _ABSENT), after.get(name, _ABSENT)) for name, label in labels.items())
    return tuple(chain.from_iterable(changed))


def _changes(path: str, before: Any, after: Any) -> Iterator[Change]:
    before, after = _empty_if_absent(before, after), _empty_if_absent(after, before)
    if isinstance(before, dict) and isinstance(after, dict):
        for name in sorted(before.keys() | after.keys()):
            yield from _changes(f"{path}.{_path_step(name)}", before.get(name, _ABSENT), after.get(name, _ABSENT))
    elif isinstance(before, list) and isinstance(after, list):
        for index, (old, new) in enumerate(zip_longest(before, after, fillvalue=_ABSENT)):
            yield from _changes(f"{path}[{index}]", old, new)
    elif not _equal_as_json(before, after):
        yield _leaf(path, before, after)


def _empty_if_absent(value: Any, other: Any) -> Any:
    """An absent value counts as an empty container if the other is a filled one, to compare that leaf by leaf."""
    return type(other)() if value is _ABSENT and other and isinstance(other, dict | list) else value


def _equal_as_json(before: Any, after: Any) -> bool:
    # In Python True == 1, in JSON not. 1 and 1.0 are the same number in both.
    return bool(before == after) and isinstance(before, bool) == isinstance(after, bool)


def _leaf(path: str, before: Any, after: Any) -> Change:
    if before is _ABSENT:
        return Change(path, None, after, ChangeKind.ADDED)
    if after is _ABSENT:
        return Change(path, before, None, ChangeKind.REMOVED)
    return Change(path, before, after, ChangeKind.CHANGED)


def _path_step(name: str) -> str:
    return name if _PLAIN_NAME.fullmatch(name) else dumps(name, ensure_ascii=False)
