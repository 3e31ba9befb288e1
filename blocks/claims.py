"""What the agent says, in brief and in its frames: the proposal, what would follow from it, and on what grounds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from blocks.frame import Parts, boxed, lined, listed, quoted, short
from blocks.measure import Measure
from blocks.parameters import exactly_in_line
from blocks.text import defanged, host_of, line
from rules.package import (
    DecisionPackage,
    Evidence,
    ExceptionParameters,
    Kind,
    MemoryParameters,
    TakeoverPackage,
)
from rules.scales import HITLLevel
from rules.state import PackageState

_PROPOSED: Mapping[Kind, str] = {
    Kind.ACTION: "The agent proposes",
    Kind.OUTPUT: "The agent would give out",
    Kind.PLAN: "The agent plans",
    Kind.QUESTION: "The agent asks",
    Kind.MEMORY: "The agent proposes",
    Kind.POLICY_EXCEPTION: "The agent proposes",
    Kind.TOOL_CALL: "The agent wants to call",
}
_PARAMETERS: Mapping[Kind, str] = {
    Kind.ACTION: "Exact parameters",
    Kind.OUTPUT: "Given out with it, exactly",
    Kind.PLAN: "The plan, exactly",
    Kind.QUESTION: "What belongs to the question, exactly",
    Kind.TOOL_CALL: "Exact arguments of the call",
}
_FAR = 400  # further than any line is shown


def proposal(package: DecisionPackage, measure: Measure) -> Parts:
    """What is asked, to the letter where a call would be released."""
    return (
        *quoted(_PROPOSED[package.kind], package.proposed_action, measure.much(900)),
        *_arguments(package, measure),
        *listed("About", _subject(package), 2, measure.less(160)),
        *quoted("Changed since it was rejected, the agent says", package.material_change, measure.less(300), 3),
    )


def _arguments(package: DecisionPackage, measure: Measure) -> Parts:
    given = package.action_parameters
    if not given:
        return ()
    match package.kind:
        case Kind.MEMORY:
            return _memory(MemoryParameters.model_validate(given), measure)
        case Kind.POLICY_EXCEPTION:
            return _exception(ExceptionParameters.model_validate(given), measure)
        case kind:
            return boxed(_PARAMETERS[kind], given, measure.much(1100), 16)


def _memory(asked: MemoryParameters, measure: Measure) -> Parts:
    handling = (f"Sensitivity: {asked.sensitivity}", f"To be kept: {asked.retention}")
    return (
        *quoted("It would remember", asked.proposed_memory, measure.much(700)),
        *listed("Where it has this from", asked.source_refs, 3, measure.less(120)),
        *listed("How it would be kept", handling, 2, measure.less(160)),
        *_besides(asked.model_extra, measure),
    )


def _exception(asked: ExceptionParameters, measure: Measure) -> Parts:
    which = (f"Policy: {asked.policy_id}", f"Until: {asked.expires_at:%Y-%m-%d %H:%M} UTC")
    return (
        *listed("An exception to this policy, until then", which, 2, measure.less(160)),
        *quoted("The exception", asked.requested_exception, measure.much(500)),
        *quoted("Why, the agent says", asked.justification, measure.much(500)),
        *_besides(asked.model_extra, measure),
    )


def _besides(extra: object, measure: Measure) -> Parts:
    return boxed("Further parameters", extra, measure.less(400), 6) if extra else ()


def _subject(package: DecisionPackage) -> Iterator[str]:
    named = " ".join(filter(None, (package.subject_type, package.subject_id)))
    if named:
        yield named
    if package.subject_url:
        yield _address(package.subject_url)


def _address(url: str) -> str:
    """The true host first: the rest of an address can say anything."""
    return f"host {host_of(url)}: {defanged(url)}"


def effects(package: DecisionPackage, state: PackageState, measure: Measure) -> Parts:
    """What would follow, in the agent's account. Whether it can be undone stands above, in the service's words."""
    approving = package.kind is not Kind.QUESTION and state.level is not HITLLevel.HUMAN_TAKEOVER
    follows = "If you approve, the agent says" if approving else "What follows, the agent says"
    return (
        *quoted(follows, package.consequence, measure.much(500)),
        *quoted("And further on", package.downstream_impact, measure.less(300), 4),
        *listed("Side effects, by its own preview", _preview(package.side_effect_preview), 8, measure.less(120)),
        *quoted("How it would undo it", package.rollback_plan, measure.less(300), 4),
    )


def _preview(effects: Mapping[str, object]) -> Iterator[str]:
    return (f"{line(name[:_FAR])}: {exactly_in_line(value)}" for name, value in effects.items())


def grounds(package: DecisionPackage, measure: Measure) -> Parts:
    """What a reviewer weighs, the doubts first."""
    voices = (f"{voice.by}: {voice.position} – {voice.reason}" for voice in package.dissent)
    return (
        *listed("What it does not know", package.known_uncertainties, 5, measure.much(180)),
        *_evidence(package.evidence_refs, measure),
        *listed("The policies it goes by", package.policy_basis, 3, measure.less(140)),
        *listed("What else could be done", package.alternatives, 3, measure.less(140)),
        *listed("Who disagrees", voices, 3, measure.less(220)),
        *listed("In short, by its own account", _in_short(package), 2, 160),
        *quoted("Its rationale", package.rationale, measure.less(1400), 12),
    )


def _evidence(refs: tuple[Evidence, ...], measure: Measure) -> Parts:
    shown = refs[:4]
    lines = [written for ref in shown for written in _reference(ref, measure)]
    return lined("Its evidence", lines, len(refs) - len(shown))


def _reference(ref: Evidence, measure: Measure) -> Iterator[str]:
    name = ref.title if ref.title == ref.id else f"{short(ref.id, 40)}: {ref.title[:_FAR]}"
    yield f"• {short(name, measure.less(140))}"
    if ref.url:
        yield f"   at {short(_address(ref.url), measure.less(180))}"
    if ref.excerpt:
        yield f"   says: {short(ref.excerpt, measure.less(160))}"


def _in_short(package: DecisionPackage) -> Iterator[str]:
    if package.data_classes:
        yield f"Data: {', '.join(package.data_classes)}"
    if package.recommendation:
        yield f"It recommends: {package.recommendation.value}"


def standing(takeover: TakeoverPackage | None, measure: Measure) -> Parts:
    """Where the agent stops, for whoever goes on."""
    if takeover is None:
        return ()
    now = takeover.current_state
    held = quoted("How things are", now, measure.less(400), 6) if isinstance(now, str) else ()
    return (
        *quoted("Where the agent stands", takeover.summary, measure.much(600)),
        *quoted("Why it stops", takeover.stopping_reason, measure.much(300), 4),
        *listed("What it has done", takeover.work_completed, 4, measure.less(120)),
        *(boxed("How things are", now, measure.less(500), 8) if now and not isinstance(now, str) else held),
        *listed("What it would do next", takeover.next_steps, 4, measure.less(120)),
    )


def core(package: DecisionPackage, measure: Measure) -> Parts:
    """What was asked, kept readable on a card that is decided."""
    return (
        *quoted(_PROPOSED[package.kind], package.proposed_action, measure.much(900)),
        *quoted("The consequence, the agent said", package.consequence, measure.much(500)),
    )
