"""The agent's own words on the card, shortened and framed: the proposal, its effects and its reasons."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from blocks.card import content
from blocks.card.content import PROPOSED
from blocks.kit.frame import Parts, framed_json, framed_lines, framed_list, framed_quote, shorten
from blocks.kit.parameters import exact_json_line
from blocks.kit.room import Measure
from blocks.kit.text import defang, host_of, one_line
from blocks.words.dossier import Dossier
from rules.package.model import CALLS, DecisionPackage, Evidence, TakeoverPackage

_FAR = 400  # characters; longer than any line that is shown


def proposal(dossier: Dossier, package: DecisionPackage, measure: Measure) -> Parts:
    """The proposal. The agent's description of a call comes before the call itself."""
    words = framed_quote(PROPOSED[package.kind], package.proposed_action, measure.main(900))
    return (
        *(words if package.kind in CALLS else ()),
        *content.card_content(dossier, package),
        *_about(package, measure),
        *framed_quote(
            "Changed since it was rejected, the agent says", package.material_change, measure.support(300), 3
        ),
    )


def _about(package: DecisionPackage, measure: Measure) -> Parts:
    subject, url = content.subject_line(package), package.subject_url
    lines = [f"• {subject}"] if subject else []
    return framed_lines("About", [*lines, f"• {shorten(_address(url), measure.support(160))}"] if url else lines)


def _address(url: str) -> str:
    """The true host comes first: the rest of a URL can say anything."""
    return f"host {host_of(url)}: {defang(url)}"


def effects(package: DecisionPackage, measure: Measure) -> Parts:
    """The effects, as the agent describes them. Reversibility is stated above by the service."""
    return (
        *framed_quote("Expected result", package.consequence, measure.main(500)),
        *framed_quote("Later effects", package.downstream_impact, measure.support(300), 4),
        *framed_list("Side effects", _preview(package.side_effect_preview), 8, measure.support(120)),
        *framed_quote("Rollback", package.rollback_plan, measure.support(300), 4),
    )


def _preview(effects: Mapping[str, object]) -> Iterator[str]:
    return (f"{one_line(name[:_FAR])}: {exact_json_line(value)}" for name, value in effects.items())


def agent_reasons(package: DecisionPackage, measure: Measure) -> Parts:
    """The agent's reasons, beginning with its doubts."""
    voices = (f"{voice.by}: {voice.position} – {voice.reason}" for voice in package.dissent)
    return (
        *framed_list("Known uncertainties", package.known_uncertainties, 5, measure.main(180)),
        *_evidence(package.evidence_refs, measure),
        *framed_list("Policies", package.policy_basis, 3, measure.support(140)),
        *framed_list("Alternatives", package.alternatives, 3, measure.support(140)),
        *framed_list("Dissent", voices, 3, measure.support(220)),
        *framed_list("Data and recommendation", _in_short(package), 2, 160),
        *(framed_quote("Rationale", package.rationale, measure.support(1400), 12) if package.kind in CALLS else ()),
    )


def _evidence(refs: tuple[Evidence, ...], measure: Measure) -> Parts:
    shown = refs[:4]
    lines = [line for ref in shown for line in _reference(ref, measure)]
    return framed_lines("Evidence", lines, len(refs) - len(shown))


def _reference(ref: Evidence, measure: Measure) -> Iterator[str]:
    name = ref.title if ref.title == ref.id else f"{shorten(ref.id, 40)}: {ref.title[:_FAR]}"
    yield f"• {shorten(name, measure.support(140))}"
    if ref.url:
        yield f"   at {shorten(_address(ref.url), measure.support(180))}"
    if ref.excerpt:
        yield f"   says: {shorten(ref.excerpt, measure.support(160))}"


def _in_short(package: DecisionPackage) -> Iterator[str]:
    if package.data_classes:
        yield f"Data: {', '.join(package.data_classes)}"
    if package.recommendation:
        yield f"It recommends: {package.recommendation.value}"


def handover(takeover: TakeoverPackage | None, measure: Measure) -> Parts:
    """Where the agent stopped, for the person who takes over."""
    if takeover is None:
        return ()
    now = takeover.current_state
    held = framed_quote("How things are", now, measure.support(400), 6) if isinstance(now, str) else ()
    return (
        *framed_quote("Where the agent stands", takeover.summary, measure.main(600)),
        *framed_quote("Why it stops", takeover.stopping_reason, measure.main(300), 4),
        *framed_list("What it has done", takeover.work_completed, 4, measure.support(120)),
        *(framed_json("How things are", now, measure.support(500), 8) if now and not isinstance(now, str) else held),
        *framed_list("What it would do next", takeover.next_steps, 4, measure.support(120)),
    )


def decided_proposal(package: DecisionPackage, measure: Measure) -> Parts:
    """The proposal in brief, for the card of a decided package."""
    return (
        *framed_quote(PROPOSED[package.kind], package.proposed_action, measure.main(900)),
        *framed_quote("The consequence, the agent said", package.consequence, measure.main(500)),
    )
