"""The forms to hold, resume and cancel a thread, and what they return."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from blocks.forms.json_text import read_json_object
from blocks.kit.elements import (
    Block,
    choice_of,
    input_block,
    option,
    quote,
    raw_text_input,
    rich,
    section,
    text_input,
    words,
)
from blocks.kit.ids import Field, FormId
from blocks.kit.text import cut, one_line
from blocks.threads.dossier import ThreadDossier
from blocks.threads.looks import THREAD_LOOKS
from blocks.words.views import View, modal
from rules.threads.commands import CancelThread, HoldThread, ResumeThread, ThreadCommand, ThreadVerb

_METADATA = re.compile(r"(hold|resume|cancel) (thr_[0-9a-f]{26})")
_ROLLBACK = "rollback"
_NAME = 200


def thread_form(verb: ThreadVerb, dossier: ThreadDossier) -> View:
    look = THREAD_LOOKS[verb]
    about = rich(words(f"{dossier.agent}, thread:"), quote(cut(one_line(dossier.state.thread_id), _NAME) or "–"))
    blocks = [about, section(look.meaning), *_fields(verb, dossier)]
    metadata = f"{verb} {dossier.state.thread_key}"
    return modal(FormId.THREAD_COMMAND, look.label, blocks, submit=look.label, metadata=metadata)


def _fields(verb: ThreadVerb, dossier: ThreadDossier) -> Iterator[Block]:
    if verb is not ThreadVerb.RESUME:
        yield input_block(Field.COMMENT, "Why", text_input(), hint="The agent and the reviewers can read it.")
        if verb is ThreadVerb.CANCEL:
            ask = option("Ask the agent to undo what was done", _ROLLBACK)
            yield input_block(Field.ROLLBACK, "Rollback", {"type": "checkboxes", "options": [ask]}, optional=True)
        return
    yield input_block(Field.INSTRUCTIONS, "Instruction", text_input(), hint="What to do from here.", optional=True)
    if checkpoints := dossier.state.checkpoints:
        options = [option(point.checkpoint_id, point.checkpoint_id) for point in reversed(checkpoints)]
        yield input_block(Field.CHECKPOINT, "From checkpoint", choice_of("static_select", options), optional=True)
    yield input_block(
        Field.MODIFIED_STATE,
        "Another state",
        raw_text_input(None),
        hint="A JSON object instead of the agent's own state. It revokes approvals that were not used yet.",
        optional=True,
    )


def read_thread_metadata(text: str) -> tuple[ThreadVerb, str] | None:
    """The verb and the key of the thread; None if the text is not exactly one of ours."""
    match = _METADATA.fullmatch(text)
    return (ThreadVerb(match[1]), match[2]) if match else None


def thread_command(verb: ThreadVerb, thread_id: str, values: Mapping[Field, Any], command_id: str) -> ThreadCommand:
    """Raises `ValueError` if a value is not valid, and `UnreadableError` for text that is not JSON."""
    ids: dict[str, Any] = {"command_id": command_id, "thread_id": thread_id}
    match verb:
        case ThreadVerb.HOLD:
            return HoldThread(**ids, reason=values.get(Field.COMMENT, ""))
        case ThreadVerb.CANCEL:
            rollback = values.get(Field.ROLLBACK) == [_ROLLBACK]
            return CancelThread(**ids, reason=values.get(Field.COMMENT, ""), rollback=rollback)
        case _:
            text = values.get(Field.MODIFIED_STATE)
            return ResumeThread(
                **ids,
                instruction=values.get(Field.INSTRUCTIONS),
                checkpoint_id=values.get(Field.CHECKPOINT),
                modified_state=read_json_object(text) if text else None,
            )
