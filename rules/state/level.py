"""How much human a package takes: every voice speaks, the strictest wins, and each that fired is kept.

What the agent says of itself (confidence, reversibility, risk, recommendation) can only raise the level.
Only autonomy that was earned eases one, only the two tables, and only as far as the action type's floor.

A voice says what it needs to know: the facts that a state keeps, or the proposal itself. So what today's policy asks
for a package that came in earlier is found by the very voices that found its level.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from operator import attrgetter
from typing import NamedTuple

from rules.package.layout import fits_on_card
from rules.package.model import DecisionPackage, Kind, Recommendation
from rules.policy.model import Policy
from rules.scales import HITLLevel, Reversibility, RiskLevel
from rules.state.case import Background, Case, Facts, Proposal
from rules.state.events import Cause
from rules.state.model import PackageState, Why
from rules.state.noes import No, Similarity
from rules.values import Value
from rules.wording import humanize

_AUTO, _, _SOFT, _HARD, _TAKEOVER = HITLLevel


class Assessment(Value):
    level: HITLLevel
    why: tuple[Why, ...]
    risk: RiskLevel
    reversibility: Reversibility
    whole_on_card: bool
    earlier_no: No | None = None


class Finding(NamedTuple):
    """What a voice says. It becomes a `Why` only where it is kept: today's level is found on each claim."""

    rule: str
    level: HITLLevel
    because: str


class StateRule(NamedTuple):
    """A voice that needs no more than the facts."""

    says: Callable[[Case], Iterator[Finding]]


class ProposalRule(NamedTuple):
    """A voice that needs the proposal as well: it says nothing of a state."""

    says: Callable[[Case, Proposal], Iterator[Finding]]


_Voices = tuple[StateRule | ProposalRule, ...]
_StateVoices = tuple[Callable[[Case], Iterator[Finding]], ...]


def _risk_table(case: Case) -> Iterator[Finding]:
    said = case.policy.tiers.of(case.risk).level
    yield Finding(f"risk-{case.risk}", case.eased(said), f"{case.risk} risk takes {said}" + _easing(case, said))


def _reversibility_table(case: Case) -> Iterator[Finding]:
    said = case.policy.reversibility.of(case.reversibility)
    kind = humanize(case.reversibility)
    listed = f"{kind} actions take {said}" if case.listing.own else f"an unlisted action type counts as {kind}"
    yield Finding(case.reversibility.replace("_", "-"), case.eased(said), listed + _easing(case, said))


def _easing(case: Case, said: HITLLevel) -> str:
    eased = case.eased(said)
    return f", eased to {eased} by earned autonomy" if eased < said else ""


def _confidence_bands(case: Case) -> Iterator[Finding]:
    sure = case.confidence
    bands = case.policy.confidence
    for bound, level in ((bands.takeover_below, _TAKEOVER), (bands.hard_below, _HARD), (bands.soft_below, _SOFT)):
        if sure < bound:
            yield Finding("confidence", level, f"the agent's confidence of {sure:g} is below {bound:g}")
            return


def _recommendation(_: Case, proposal: Proposal) -> Iterator[Finding]:
    match proposal.package.recommendation:
        case Recommendation.ESCALATE:
            yield Finding("agent-escalates", _TAKEOVER, "the agent itself asks for a person to take over")
        case Recommendation.CLARIFY:
            yield Finding("agent-asks", _HARD, "the agent asks for clarification, which silence cannot give")
        case _:
            pass


def _no_plain_approval(_: Case, proposal: Proposal) -> Iterator[Finding]:
    allowed = proposal.package.effective_decisions
    if allowed is not None and "approve" not in allowed:
        yield Finding("no-plain-approval", _HARD, "the agent takes no plain approval, so silence cannot give one")


def _sensitive_data(case: Case) -> Iterator[Finding]:
    sensitive = sorted(case.data_classes.intersection(case.policy.matrix.sensitive))
    if case.reversibility.irreversible and sensitive:
        yield Finding("irreversible-sensitive", _HARD, f"irreversible and {', '.join(sensitive)}: always hard_approval")


def _cost(case: Case, proposal: Proposal) -> Iterator[Finding]:
    cost = proposal.package.cost
    if cost is not None and cost.amount > case.policy.matrix.cost_over.get(cost.currency, -1):
        yield Finding("cost", _HARD, "the cost is over the threshold of its currency")


def _matrix(case: Case) -> Iterator[Finding]:
    matrix, sure, irreversible = case.policy.matrix, case.confidence, case.reversibility.irreversible
    bound = matrix.irreversible_soft_above if irreversible else matrix.reversible_auto_above
    if sure <= bound:
        which = "irreversible" if irreversible else "reversible"
        level = _HARD if irreversible else _SOFT
        yield Finding(f"matrix-{which}", level, f"{which} at a confidence of {sure:g}, not over {bound:g}")
    elif irreversible:
        yield Finding("matrix-irreversible", _SOFT, f"irreversible at a confidence of {sure:g}, over {bound:g}")


def _repeated_failures(case: Case, proposal: Proposal) -> Iterator[Finding]:
    if proposal.background.failures >= case.policy.matrix.failures:
        window = case.policy.matrix.failure_window
        because = f"{proposal.background.failures} failures within {window.total_seconds() / 3600:g} h"
        yield Finding("repeated-failures", _TAKEOVER, because)


def _tool(case: Case) -> Iterator[Finding]:
    tool = case.action.tool if case.action else None
    if tool and tool.approval_required:
        effect = tool.effect_type or "a high-impact effect"
        yield Finding("tool-requirement", _HARD, f"a tool with {effect} requires approval")


def _catalogue_floor(case: Case) -> Iterator[Finding]:
    if case.action and case.action.floor:
        yield Finding("floor", case.action.floor, f"the catalogue gives {case.action_type} at least this")


def _kind(case: Case) -> Iterator[Finding]:
    least = HITLLevel(getattr(case.policy.kinds, case.kind.value))
    if least > _AUTO:
        because = "a question always waits for a person" if case.kind is Kind.QUESTION else f"takes {least}"
        yield Finding(f"kind-{case.kind}", least, because)


def _autonomy(case: Case, _: Proposal) -> Iterator[Finding]:
    fresh = case.earned is _SOFT and case.reversibility is Reversibility.REVERSIBLE
    if case.earned >= _SOFT and not fresh:
        yield Finding("autonomy", case.earned, f"what this agent has earned for {case.action_type} so far")


def _earlier(_: Case, proposal: Proposal) -> Iterator[Finding]:
    if proposal.background.earlier is not None:
        yield Finding("never-falls", proposal.background.earlier, "the same action was already found to take this")


def _earlier_no(_: Case, proposal: Proposal) -> Iterator[Finding]:
    earlier = proposal.background.earlier_no
    if earlier is None:
        return
    if earlier.similarity is Similarity.SAME_ACTION and proposal.package.material_change:
        yield Finding("material-change", _HARD, f"{earlier.because}; the agent declares a material change")
    else:
        yield Finding(Cause.EARLIER_NO.value, _HARD, earlier.because)


def _outsider(_: Case, proposal: Proposal) -> Iterator[Finding]:
    if proposal.background.outsider:
        because = "someone outside your directory is behind it, so nobody can check who is independent of them"
        yield Finding("outsider", _HARD, because)


# Their order is the order of the record, among those that ask for the same level.
_VOICES: _Voices = (
    StateRule(_risk_table),
    StateRule(_reversibility_table),
    StateRule(_confidence_bands),
    ProposalRule(_recommendation),
    ProposalRule(_no_plain_approval),
    StateRule(_sensitive_data),
    ProposalRule(_cost),
    StateRule(_matrix),
    ProposalRule(_repeated_failures),
    StateRule(_tool),
    StateRule(_catalogue_floor),
    StateRule(_kind),
    ProposalRule(_autonomy),
    ProposalRule(_earlier),
    ProposalRule(_earlier_no),
    ProposalRule(_outsider),
)


def _soft_off(case: Case) -> Iterator[Finding]:
    if not silence_allowed(case.policy, case.risk, case.reversibility):
        yield Finding("soft-off", _HARD, "silence does not count here")


def _not_shown_whole(_: Case, proposal: Proposal) -> Iterator[Finding]:
    if not proposal.whole_on_card:
        because = "the card cannot show all of it, so silence is not consent"
        yield Finding(Cause.NOT_SHOWN_WHOLE.value, _HARD, because)


def _no_public_url(_: Case, proposal: Proposal) -> Iterator[Finding]:
    if not proposal.background.clicks_provable:
        yield Finding("no-public-url", _HARD, "without COUNTERSIGN_PUBLIC_URL no objection is sure to arrive")


# Asked only where the level would be a soft one.
_AGAINST_SILENCE: _Voices = (StateRule(_soft_off), ProposalRule(_not_shown_whole), ProposalRule(_no_public_url))


def _spoken(voices: _Voices, case: Case, proposal: Proposal) -> Iterator[Finding]:
    for voice in voices:
        yield from voice.says(case) if isinstance(voice, StateRule) else voice.says(case, proposal)


def assess(package: DecisionPackage, background: Background, policy: Policy) -> Assessment:
    """The level, and every voice that spoke for more than nothing; where all agree on nothing, the table says so."""
    case = Case(_facts_of(package, background, policy))
    proposal = Proposal(package, background, fits_on_card(package))
    said = list(_spoken(_VOICES, case, proposal))
    fired = [each for each in said if each.level > _AUTO] or said[:1]
    level = max(each.level for each in fired)
    if level is _SOFT and (against := list(_spoken(_AGAINST_SILENCE, case, proposal))):
        level = _HARD
        fired += against
    fired.sort(key=attrgetter("level"), reverse=True)
    return Assessment(
        level=level,
        why=tuple(Why(rule=each.rule, level=each.level, because=each.because) for each in fired),
        risk=case.risk,
        reversibility=case.reversibility,
        whole_on_card=proposal.whole_on_card,
        earlier_no=background.earlier_no.no if background.earlier_no else None,
    )


def _facts_of(package: DecisionPackage, background: Background, policy: Policy) -> Facts:
    return Facts(
        policy,
        package.action_type,
        package.kind,
        package.risk_level,
        package.reversibility,
        package.confidence,
        background.earned or policy.autonomy.start,
        frozenset(package.data_classes),
    )


def _known_of(state: PackageState, policy: Policy, earned: HITLLevel = _SOFT) -> Facts:
    return Facts(policy, state.action_type, state.kind, state.risk, state.reversibility, state.confidence, earned)


def risk_today(policy: Policy, state: PackageState) -> RiskLevel:
    """The package's own risk, or what the catalogue gives its action type by now if that is higher."""
    return Case(_known_of(state, policy)).risk


def _of_state(voices: _Voices) -> _StateVoices:
    return tuple(voice.says for voice in voices if isinstance(voice, StateRule))


_TODAY, _IF_SILENT_TODAY = _of_state(_VOICES), _of_state(_VOICES + _AGAINST_SILENCE)


def minimum_level_today(policy: Policy, state: PackageState) -> HITLLevel:
    """What a policy asks for what its state says of a package, whatever its agent has earned."""
    return _strictest(_IF_SILENT_TODAY, _known_of(state, policy))


def level_today(policy: Policy, state: PackageState, earned: HITLLevel = _SOFT) -> HITLLevel:
    """The same, but for whether silence may count at all. Earned autonomy eases the two tables, as at submission."""
    return _strictest(_TODAY, _known_of(state, policy, earned))


@lru_cache(maxsize=1024)  # each claim asks, and many are for a like action
def _strictest(voices: _StateVoices, facts: Facts) -> HITLLevel:
    case = Case(facts)
    return max(said.level for says in voices for said in says(case))


def silence_allowed(policy: Policy, risk: RiskLevel, reversibility: Reversibility) -> bool:
    """Whether silence may ever count: never for high risk or what cannot be undone, whatever the tables say."""
    grave = risk >= RiskLevel.HIGH or reversibility is Reversibility.IRREVERSIBLE_HIGH
    return policy.soft.enabled and not grave
