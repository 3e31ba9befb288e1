"""The names by which a click finds its way back: action ids, and the reference that a button carries.

A button carries ids and nothing to trust: which package, version, rung and rendering its reader had before them.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import NamedTuple, Self


class ActionId(StrEnum):
    """What can be clicked beside the verbs, which are ids themselves. Each has a listener, and a test says so."""

    MORE = "more"  # the card's menu; its options name their verb
    DETAILS = "details"
    PAGE = "page"  # another page of Details
    STEP = "step"  # another step of a form
    HOME_MINE = "home_mine"  # another page of what is mine to decide
    HOME_DECIDED = "home_decided"  # another page of what I decided
    HOME_AWAY = "home_away"
    HOME_BACK = "home_back"


class FormId(StrEnum):
    """The callback ids of the views that can be submitted or looked at."""

    DECISION = "decision"  # any verb that needs words: the verb stands in its private metadata
    DETAILS = "details"
    AWAY = "away"
    HOME = "home"


class Field(StrEnum):
    """The inputs of the forms: block id and action id in one."""

    COMMENT = "comment"
    INSTRUCTIONS = "instructions"
    UNTIL = "until"
    TO_ROLE = "to_role"
    OVERRIDE_DECISION = "override_decision"
    OVERRIDE_REASON = "override_reason"
    EVIDENCE_REFS = "evidence_refs"
    PARAMETERS = "action_parameters"
    ANSWER = "answer"
    VERDICT = "verdict"
    CONFIRMED = "confirmed"
    DELEGATE = "delegate"


_REF = re.compile(r"(pkg_[0-9a-z_]{1,60}) ([0-9]{1,6}) ([0-9]{1,3}) (rnd_[0-9a-f]{32}|-)")


class Ref(NamedTuple):
    """What its reader had before them: a package, in a version, on a rung, as rendered."""

    package_id: str
    version: int
    rung: int
    rendering_id: str | None = None

    def __str__(self) -> str:
        return f"{self.package_id} {self.version} {self.rung} {self.rendering_id or '-'}"

    @classmethod
    def read(cls, written: object) -> Self | None:
        """Whatever is not exactly one of ours is none at all."""
        found = _REF.fullmatch(written) if isinstance(written, str) else None
        if found is None:
            return None
        return cls._of(found)

    @classmethod
    def found_in(cls, written: object) -> Self | None:
        """The first reference within a longer text, such as a menu's option or a form's metadata."""
        found = _REF.search(written) if isinstance(written, str) else None
        return cls._of(found) if found else None

    @classmethod
    def _of(cls, found: re.Match[str]) -> Self:
        package_id, version, rung, rendering = found.groups()
        return cls(package_id, int(version), int(rung), None if rendering == "-" else rendering)
