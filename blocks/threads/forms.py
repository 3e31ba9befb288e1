"""The forms to hold, resume and cancel a thread, and what they return.

A form's metadata holds the verb, the thread's key and its last event: a thread that was held again meanwhile is not
resumed by an old form. `bot.slack.threads.clicks` opens the forms and executes the command that `thread_command` reads.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from blocks.forms.json_text import read_json_object
from blocks.kit.elements import (
    Block,
    choice_of,
    input_block,
    option,
    paragraph,
    quote,
    raw_text_input,
    rich,
    section,
    text_input,
)
from blocks.kit.ids import Field, FormId
from blocks.kit.text import cut, one_line
from blocks.threads.dossier import ThreadDossier
from blocks.words.thread_looks import THREAD_LOOKS
from blocks.words.views import View, modal
from rules.threads.commands import CancelThread, HoldThread, ResumeThread, ThreadCommand, ThreadVerb
from rules.threads.model import ThreadState

_METADATA = re.compile(r"(hold|resume|cancel) (thr_[0-9a-f]{26}) (evt_[0-9a-z]{1,60}|-)")
_ROLLBACK = "rollback"
_NAME = 200


def thread_form(verb: ThreadVerb, dossier: ThreadDossier) -> View:
    look = THREAD_LOOKS[verb]
    about = rich(paragraph(f"{dossier.agent}, thread:"), quote(cut(one_line(dossier.state.thread_id), _NAME) or "–"))
    blocks = [about, section(look.meaning), *_fields(verb, dossier)]
    metadata = f"{verb} {dossier.state.thread_key} {dossier.state.event_id or '-'}"
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
        options = [option(point.checkpoint_id, point.event_id) for point in reversed(checkpoints)]
        yield input_block(Field.CHECKPOINT, "From checkpoint", choice_of("static_select", options), optional=True)
    yield input_block(
        Field.MODIFIED_STATE,
        "New state (JSON)",
        raw_text_input(None),
        hint="Instead of the agent's own state.",
        optional=True,
    )


class ThreadFormRef(NamedTuple):
    """What a form is for: the verb, the key of the thread, and its last command when the form was opened."""

    verb: ThreadVerb
    thread_key: str
    seen_event_id: str | None


def read_thread_metadata(text: str) -> ThreadFormRef | None:
    """None if the text is not exactly one of ours."""
    match = _METADATA.fullmatch(text)
    return ThreadFormRef(ThreadVerb(match[1]), match[2], None if match[3] == "-" else match[3]) if match else None


def thread_command(
    form: ThreadFormRef, state: ThreadState, values: Mapping[Field, Any], command_id: str
) -> ThreadCommand:
    """Raises `ValueError` if a value is not valid, and `UnreadableError` for text that is not JSON."""
    ids: dict[str, Any] = {"command_id": command_id, "thread_id": state.thread_id}
    match form.verb:
        case ThreadVerb.HOLD:
            return HoldThread(**ids, reason=values.get(Field.COMMENT, ""))
        case ThreadVerb.CANCEL:
            rollback = values.get(Field.ROLLBACK) == [_ROLLBACK]
            return CancelThread(**ids, reason=values.get(Field.COMMENT, ""), rollback=rollback)
        case _:
            text, chosen = values.get(Field.MODIFIED_STATE), values.get(Field.CHECKPOINT)
            named = {point.event_id: point.checkpoint_id for point in state.checkpoints}
            return ResumeThread(
                **ids,
                instruction=values.get(Field.INSTRUCTIONS),
                checkpoint_id=named.get(chosen, chosen) if chosen else None,
                modified_state=read_json_object(text) if text else None,
                seen_event_id=form.seen_event_id,
            )
