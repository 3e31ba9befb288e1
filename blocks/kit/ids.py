"""Action ids, form ids, field names, and the reference that a button carries.

A button carries only ids, nothing to trust: the package, version, rung and rendering that its reader saw.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import NamedTuple, Self


class ActionId(StrEnum):
    """Everything clickable except verbs, which are action ids themselves. A test checks that each has a listener."""

    MORE = "more"  # the card's menu, whose options name their verbs
    ANSWER_1 = "answer_1"  # the answers that a question offers, by their position
    ANSWER_2 = "answer_2"
    ANSWER_3 = "answer_3"
    ANSWER_4 = "answer_4"
    DETAILS = "details"
    PAGE = "page"  # another page of Details
    STEP = "step"  # another step of a form
    THREAD = "thread"  # opens the thread of a package
    THREAD_HOLD = "thread_hold"
    THREAD_RESUME = "thread_resume"
    THREAD_CANCEL = "thread_cancel"
    HOME_MINE = "home_mine"  # another page of what waits for the reader
    HOME_DECIDED = "home_decided"  # another page of what the reader decided
    HOME_FILTER = "home_filter"
    HOME_CLEAR = "home_clear"  # of the filter
    HOME_AWAY = "home_away"
    HOME_BACK = "home_back"
    HOME_MAILS = "home_mails"  # which mails the reader wants
    HOME_MIRROR = "home_mirror"  # how the reader decided lately


ANSWER_BUTTONS = (ActionId.ANSWER_1, ActionId.ANSWER_2, ActionId.ANSWER_3, ActionId.ANSWER_4)


class FormId(StrEnum):
    """The callback ids of the views."""

    DECISION = "decision"  # for all verbs; the private metadata names the verb
    DETAILS = "details"
    AWAY = "away"
    FILTER = "filter"
    THREAD = "thread"
    THREAD_COMMAND = "thread_command"  # the private metadata names the command and the thread
    HOME = "home"
    MIRROR = "mirror"


class Field(StrEnum):
    """The inputs of the forms; each name is both block id and action id.

    A field with several inputs (`PARAMETERS`, `ANSWER_DATA`) numbers their block ids, such as `answer_data.0`.
    """

    COMMENT = "comment"
    INSTRUCTIONS = "instructions"
    TAGS = "tags"
    UNTIL = "until"
    TO_ROLE = "to_role"
    TO_PERSON = "to_person"
    OVERRIDE_DECISION = "override_decision"
    OVERRIDE_REASON = "override_reason"
    EVIDENCE_REFS = "evidence_refs"
    PARAMETERS = "action_parameters"
    ANSWER_CHOICE = "answer_choice"
    ANSWER = "answer"
    ANSWER_DATA = "answer_data"
    VERDICT = "verdict"
    AUDIENCE = "audience"
    CONFIRMED = "confirmed"
    DELEGATE = "delegate"
    MODIFIED_STATE = "modified_state"
    CHECKPOINT = "checkpoint"
    ROLLBACK = "rollback"
    AGENT = "agent"
    ACTION_TYPE = "action_type"
    RISK = "risk"
    WORDS = "words"


_THREAD_KEY = re.compile(r"thr_[0-9a-f]{26}")
_REF = re.compile(r"(pkg_[0-9a-z_]{1,60}) ([0-9]{1,6}) ([0-9]{1,3}) (rnd_[0-9a-f]{32}|-)")


class Ref(NamedTuple):
    """What the reader saw: a package, its version, the rung of its escalation ladder, and the rendering."""

    package_id: str
    version: int
    rung: int
    rendering_id: str | None = None

    def __str__(self) -> str:
        return f"{self.package_id} {self.version} {self.rung} {self.rendering_id or '-'}"

    @classmethod
    def read(cls, text: object) -> Self | None:
        """None if the text is not exactly a reference."""
        match = _REF.fullmatch(text) if isinstance(text, str) else None
        if match is None:
            return None
        return cls._of(match)

    @classmethod
    def found_in(cls, text: object) -> Self | None:
        """The first reference in a longer text, such as the value of a menu option."""
        match = _REF.search(text) if isinstance(text, str) else None
        return cls._of(match) if match else None

    @classmethod
    def _of(cls, match: re.Match[str]) -> Self:
        package_id, version, rung, rendering = match.groups()
        return cls(package_id, int(version), int(rung), None if rendering == "-" else rendering)


def subject_in(text: object) -> str | None:
    """The id of the package, or else the key of the thread, that a button's value or a form's metadata names first."""
    if ref := Ref.found_in(text):
        return ref.package_id
    match = _THREAD_KEY.search(text) if isinstance(text, str) else None
    return match[0] if match else None
