"""`VerbLook`, the row of a verb in `LOOKS`: all that people see of it. `check_complete` checks the rows at import."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum

from blocks.kit.ids import Field
from blocks.words.dossier import Dossier
from rules.state.commands import Command, HumanDecisionType, Verb
from rules.verbs.table import SPEC_OF_VERB


class Position(Enum):
    """Where the verb is offered."""

    CARD = "a button of the card"
    MENU = "the menu of the card"
    DETAILS = "a button in Details"


class RowPosition(Enum):
    """Where a row of a list offers the verb. A row has room for few verbs; Details offers all of them."""

    BUTTON = "a button"
    MENU = "the menu, as far as it has room"


@dataclass(frozen=True, slots=True, kw_only=True)
class VerbLook:
    """How a verb looks. `labels`: the labels of fields that have another label with each verb."""

    label: str
    meaning: str | Callable[[Dossier], str]  # what happens if the verb is used
    position: Position
    row: RowPosition | None = None
    fields: tuple[Field, ...] = ()  # the fields of its form; without fields, one press is enough
    labels: Mapping[Field, str] = field(default_factory=dict)
    comment_required: bool = False  # always; for what lets the action go ahead, the policy may require it too
    after_failure: bool = False  # offered on the card after the action failed, when the package is decided
    at_once: bool = False  # one press is enough although it has a form
    style: str | None = None
    remark: str | None = None  # introduces the comment of a decision: "Rita approves: …"
    past: str | None = None  # tells someone what they decided: "You approved this"


def check_complete(looks: Mapping[Verb, VerbLook]) -> None:
    """Raises at import if an offered verb has no look or an incomplete one: then the process does not start."""
    offered = {verb for verb, row in SPEC_OF_VERB.items() if row.offered}
    if differing := offered ^ looks.keys():
        raise TypeError(f"verbs that are offered and verbs that have a look differ by {', '.join(sorted(differing))}")
    decisions = [(verb, look) for verb, look in looks.items() if verb.value in {*HumanDecisionType}]
    if wordless := [verb for verb, look in decisions if not look.remark]:
        raise TypeError(f"no remark can be introduced for {', '.join(wordless)}")
    if timeless := [verb for verb, look in decisions if not look.past]:
        raise TypeError(f"no past tense is known for {', '.join(timeless)}")
    for verb, look in looks.items():
        if fault := _form_fault(look, SPEC_OF_VERB[verb].command):
            raise TypeError(f"the form of {verb} {fault}")


def _form_fault(look: VerbLook, command: type[Command]) -> str | None:
    unlabelled = {Field.INSTRUCTIONS, Field.UNTIL} & {*look.fields} - look.labels.keys()
    comment = command.model_fields.get("comment")
    if unlabelled or look.labels.keys() - {*look.fields}:
        return "labels fields that it does not have, or leaves out the label of the instructions or of the time"
    if comment is not None and comment.is_required() and not look.comment_required:
        return "does not require the comment that the command requires"
    if look.comment_required and Field.COMMENT not in look.fields:
        return "requires a comment and has no field for it"
    return None
