"""What the agent says, in brief and in its frames: the proposal, what would follow from it, and on what grounds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from blocks.card import approved
from blocks.card.approved import PROPOSED
from blocks.kit.frame import Parts, boxed, lined, listed, quoted, short
from blocks.kit.parameters import exactly_in_line
from blocks.kit.room import Measure
from blocks.kit.text import defanged, host_of, line
from blocks.words.dossier import Dossier
from rules.package.model import CALLS, DecisionPackage, Evidence, Kind, TakeoverPackage
from rules.scales import HITLLevel
from rules.state.model import PackageState

_FAR = 400  # further than any line is shown


def proposal(dossier: Dossier, package: DecisionPackage, measure: Measure) -> Parts:
    """What is asked. The agent's own words for a call come before the call itself."""
    words = quoted(PROPOSED[package.kind], package.proposed_action, measure.much(900))
    return (
        *(words if package.kind in CALLS else ()),
        *approved.on_card(dossier, package),
        *_about(package, measure),
        *quoted("Changed since it was rejected, the agent says", package.material_change, measure.less(300), 3),
    )


def _about(package: DecisionPackage, measure: Measure) -> Parts:
    subject, url = approved.subject(package), package.subject_url
    named = [f"• {subject}"] if subject else []
    return lined("About", [*named, f"• {short(_address(url), measure.less(160))}"] if url else named)


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
        *(quoted("Its rationale", package.rationale, measure.less(1400), 12) if package.kind in CALLS else ()),
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
        *quoted(PROPOSED[package.kind], package.proposed_action, measure.much(900)),
        *quoted("The consequence, the agent said", package.consequence, measure.much(500)),
    )
