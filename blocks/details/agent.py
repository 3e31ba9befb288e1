"""Everything that the agent says in a package, in full. A test asserts that no field of the package is left out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from blocks.kit.elements import Block
from blocks.kit.parameters import exactly_in_line
from blocks.kit.passages import address, exact, lines, listed, numbered, quoted
from blocks.words.sentences import sure
from rules.package.model import DecisionPackage, Dissent, Evidence, TakeoverPackage

Draw = Callable[[str, Any], Iterator[Block]]


def _evidence(name: str, refs: tuple[Evidence, ...]) -> Iterator[Block]:
    for which, ref in numbered(name, refs):
        yield from quoted(which, ref.title)
        if ref.id != ref.title:
            yield from quoted("Its id", ref.id)
        if ref.excerpt:
            yield from quoted("What it says, as the agent quotes it", ref.excerpt)
        if ref.url:
            yield from address("Where it should be", ref.url)


def _dissent(name: str, voices: tuple[Dissent, ...]) -> Iterator[Block]:
    for which, voice in numbered(name, voices):
        yield from quoted(f"{which}, by", voice.by)
        yield from quoted("Their position", voice.position)
        yield from quoted("Their reason", voice.reason)


def _takeover(_: str, takeover: TakeoverPackage) -> Iterator[Block]:
    yield from quoted("Where the agent stands", takeover.summary)
    yield from quoted("Why it stops", takeover.stopping_reason)
    yield from listed("What it has done", takeover.work_completed)
    if isinstance(takeover.current_state, str):
        yield from quoted("How things are now", takeover.current_state)
    elif takeover.current_state is not None:
        yield from exact("How things are now", takeover.current_state)
    yield from listed("What it would do next", takeover.next_steps)


Fields = Mapping[str, tuple[str, Draw]]

ASKED: Fields = {
    "title": ("Title", quoted),
    "proposed_action": ("Proposed action", quoted),
    "consequence": ("Consequence", quoted),
    "side_effect_preview": ("Side effects", exact),
    "downstream_impact": ("What follows further on", quoted),
    "rollback_plan": ("How it would be undone", quoted),
    "subject_url": ("What it is about", address),
    "takeover": ("", _takeover),
}
REASONS: Fields = {
    "rationale": ("Rationale", quoted),
    "known_uncertainties": ("What it does not know", listed),
    "alternatives": ("Alternative", listed),
    "dissent": ("Dissent", _dissent),
    "material_change": ("What has changed since a rejection", quoted),
    "policy_basis": ("Policy basis", listed),
    "evidence_refs": ("Evidence", _evidence),
}
# Short ones, which stand together, a line each.
SHORT = (
    "kind", "action_type", "subject_type", "subject_id", "risk_level", "confidence", "reversibility", "cost",
    "data_classes", "recommendation", "requested_by", "on_behalf_of", "allowed_decisions", "expires_at",
    "interrupt_type", "run_id", "thread_id", "checkpoint_id", "idempotency_key",
)  # fmt: skip
ECHOED: Fields = {
    "callback_url": ("Where it wants to be called", address),
    "metadata": ("Metadata", exact),
}

_DEFAULTS = {name: field.get_default(call_default_factory=True) for name, field in DecisionPackage.model_fields.items()}


def drawn(package: DecisionPackage, fields: Fields) -> Iterator[Block]:
    """Of these fields, those of which the package says anything: no arguments at all are something, too."""
    for name, (label, draw) in fields.items():
        value = getattr(package, name)
        if value != _DEFAULTS[name]:
            yield from draw(label, value)


def short(package: DecisionPackage) -> Iterator[Block]:
    said = ((name, getattr(package, name)) for name in SHORT)
    yield from lines("In short", [(name, _written(name, value)) for name, value in said if value not in (None, ())])


def _written(name: str, value: Any) -> str:
    if name == "cost":
        return f"{exactly_in_line(value.amount)} {value.currency}"
    if name == "confidence":
        return f"{exactly_in_line(value)}, {sure(value)}"
    return ", ".join(value) if isinstance(value, tuple) else str(value)
