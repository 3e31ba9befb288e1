"""Everything that the agent says in a package, in full. A test checks that no field is left out.

A table maps each field to its label and the function that draws it (`Draw`): `ASKED`, `REASONS` and `ECHOED` are the
three sections of Details, `SHORT` the fields of one line. A field at its default is not drawn. Mails use these tables.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from blocks.kit.elements import Block, bold, paragraph, rich
from blocks.kit.parameters import exact_json_line
from blocks.kit.passages import line_blocks, list_blocks, one_heading, quote_blocks, url_blocks, value_blocks
from rules.form_schema import FormSchema
from rules.package.model import CALLS, DecisionPackage, Dissent, Evidence, TakeoverPackage
from rules.wording import percent

Draw = Callable[[str, Any], Iterator[Block]]


def _evidence(name: str, refs: tuple[Evidence, ...]) -> Iterator[Block]:
    """Each in its own frame. The excerpt is as the agent quotes it."""
    for title, ref in one_heading(name, refs):
        named = ref.title if ref.id == ref.title else f"{ref.title} ({ref.id})"
        yield from quote_blocks(title, f"{named}\n{ref.excerpt}" if ref.excerpt else named)
        if ref.url:
            yield from url_blocks("Address", ref.url)


def _dissent(name: str, voices: tuple[Dissent, ...]) -> Iterator[Block]:
    for title, voice in one_heading(name, voices):
        yield from quote_blocks(title, f"{voice.by}: {voice.position}\nReason: {voice.reason}")


def _takeover(_: str, takeover: TakeoverPackage) -> Iterator[Block]:
    yield from quote_blocks("So far", takeover.summary)
    yield from quote_blocks("Stopped because", takeover.stopping_reason)
    if isinstance(takeover.current_state, str):
        yield from quote_blocks("Current state", takeover.current_state)
    elif takeover.current_state is not None:
        yield from value_blocks("Current state", takeover.current_state)
    yield from list_blocks("Next", takeover.next_steps)
    yield from list_blocks("Done", takeover.work_completed)


def _schema(name: str, schema: FormSchema) -> Iterator[Block]:
    yield from value_blocks(name, schema.plain)


def _no_free_answer(name: str, _: bool) -> Iterator[Block]:  # noqa: FBT001 - as every other Draw
    yield rich(paragraph(bold(f"{name}: "), "none"))


Fields = Mapping[str, tuple[str, Draw]]

ASKED: Fields = {
    "proposed_action": ("Proposed action", quote_blocks),
    "answers": ("Offered answers", list_blocks),
    "free_answer": ("Other answers", _no_free_answer),
    "response_schema": ("The form of the answer", _schema),
    "consequence": ("If approved", quote_blocks),
    "side_effect_preview": ("Side effects", value_blocks),
    "downstream_impact": ("Later effects", quote_blocks),
    "rollback_plan": ("Rollback", quote_blocks),
    "subject_url": ("Page about the subject", url_blocks),
    "takeover": ("", _takeover),
}
REASONS: Fields = {
    "rationale": ("Reason", quote_blocks),
    "known_uncertainties": ("Doubt", list_blocks),
    "alternatives": ("Alternatives", list_blocks),
    "dissent": ("Disagrees", _dissent),
    "material_change": ("Changed since it was rejected", quote_blocks),
    "policy_basis": ("Policy", list_blocks),
    "evidence_refs": ("Evidence", _evidence),
}
# Short fields are shown together, one line each.
SHORT = (
    "kind", "action_type", "subject_type", "subject_id", "risk_level", "confidence", "reversibility", "cost",
    "data_classes", "recommendation", "requested_by", "on_behalf_of", "allowed_decisions", "expires_at",
    "interrupt_type", "run_id", "thread_id", "checkpoint_id", "idempotency_key",
)  # fmt: skip
ECHOED: Fields = {
    "parameters_schema": ("The types of its parameters", _schema),
    "callback_url": ("Callback address", url_blocks),
    "metadata": ("Metadata", value_blocks),
}

_DEFAULTS = {name: field.get_default(call_default_factory=True) for name, field in DecisionPackage.model_fields.items()}


# If the package is no call, these are part of its exact content, which Details shows before these sections.
_IN_EXACT_CONTENT = ("proposed_action", "rationale")


def field_blocks(package: DecisionPackage, fields: Fields) -> Iterator[Block]:
    """The fields of this table that differ from their defaults, and are not part of the exact content."""
    shown_before = () if package.kind in CALLS else _IN_EXACT_CONTENT
    for name, (label, draw) in fields.items():
        value = getattr(package, name)
        if value != _DEFAULTS[name] and name not in shown_before:
            yield from draw(label, value)


def short_field_blocks(package: DecisionPackage, names: Iterable[str] = SHORT) -> Iterator[Block]:
    values = ((name, getattr(package, name)) for name in names)
    yield from line_blocks(
        "Fields", [(name, _field_text(name, value)) for name, value in values if value not in (None, ())]
    )


def _field_text(name: str, value: Any) -> str:
    if name == "cost":
        return f"{exact_json_line(value.amount)} {value.currency}"
    if name == "confidence":
        return f"{exact_json_line(value)} ({percent(value)})"
    return ", ".join(value) if isinstance(value, tuple) else str(value)
