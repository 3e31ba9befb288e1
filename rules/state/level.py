"""The level of human involvement that a package needs: all rules are evaluated, and the strictest wins.

Every rule that asks for more than `full_auto` is kept as a reason (`Why`). What the agent says of itself (confidence,
reversibility, risk, recommendation) can only raise the level. Only earned autonomy can lower one, only in the two
tables, and never below the floor of the action type.

A `StateRule` needs only facts that a stored state has; a `ProposalRule` also needs the proposal. So the same rules that
set the level at submission find what today's policy requires for a package that came in earlier.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from operator import attrgetter
from typing import NamedTuple

from rules.package.layout import fits_on_card
from rules.package.model import DecisionPackage, InterruptType, Kind, Recommendation
from rules.policy.model import Policy
from rules.scales import HITLLevel, Reversibility, RiskLevel
from rules.state.case import Background, Case, Facts, Proposal
from rules.state.events import Cause
from rules.state.model import PackageState, Why
from rules.state.noes import No, Similarity
from rules.values import Value
from rules.wording import humanize, percent

_AUTO, _, _SOFT, _HARD, _TAKEOVER = HITLLevel


class Assessment(Value):
    level: HITLLevel
    why: tuple[Why, ...]
    risk: RiskLevel
    reversibility: Reversibility
    whole_on_card: bool
    earlier_no: No | None = None


class Finding(NamedTuple):
    """The level that a rule asks for, and why. A plain tuple, because today's level is computed on every claim."""

    rule: str
    level: HITLLevel
    because: str


class StateRule(NamedTuple):
    """A rule that needs only the facts."""

    evaluate: Callable[[Case], Iterator[Finding]]


class ProposalRule(NamedTuple):
    """A rule that also needs the proposal, so it is not applied to a stored state."""

    evaluate: Callable[[Case, Proposal], Iterator[Finding]]


_Rules = tuple[StateRule | ProposalRule, ...]
_StateRules = tuple[Callable[[Case], Iterator[Finding]], ...]


def _risk_table(case: Case) -> Iterator[Finding]:
    level = case.policy.tiers.of(case.risk).level
    because = f"{case.risk} risk requires {level}" + _easing_note(case, level)
    yield Finding(f"risk-{case.risk}", case.ease(level), because)


def _reversibility_table(case: Case) -> Iterator[Finding]:
    level = case.policy.reversibility.of(case.reversibility)
    kind = "irreversible" if case.reversibility.irreversible else humanize(case.reversibility)
    because = f"{kind} actions require {level}" if case.listing.own else f"not in your policy: treated as {kind}"
    yield Finding(case.reversibility.replace("_", "-"), case.ease(level), because + _easing_note(case, level))


def _easing_note(case: Case, level: HITLLevel) -> str:
    eased = case.ease(level)
    return f", eased to {eased} by earned autonomy" if eased < level else ""


def _confidence_bands(case: Case) -> Iterator[Finding]:
    confidence, bands = case.confidence, case.policy.confidence
    for bound, level in ((bands.takeover_below, _TAKEOVER), (bands.hard_below, _HARD), (bands.soft_below, _SOFT)):
        if confidence < bound:
            because = f"the agent's confidence is {percent(confidence)}, below {percent(bound)}"
            yield Finding("confidence", level, because)
            return


def _recommendation(_: Case, proposal: Proposal) -> Iterator[Finding]:
    if proposal.package.recommendation is Recommendation.ESCALATE:
        yield Finding("agent-escalates", _TAKEOVER, "the agent itself asks for a person to take over")
    if proposal.package.recommendation is Recommendation.CLARIFY:
        yield Finding("agent-asks", _HARD, "the agent asks for clarification, which silence cannot give")
    if proposal.package.interrupt_type is InterruptType.ERROR_RECOVERY:
        yield Finding("asks-recovery", _HARD, "the agent asks what to do after a failure")


def _no_plain_approval(_: Case, proposal: Proposal) -> Iterator[Finding]:
    allowed = proposal.package.effective_decisions
    if allowed is not None and "approve" not in allowed:
        yield Finding("no-plain-approval", _HARD, "the agent accepts no plain approval, so silence cannot give one")


def _sensitive_data(case: Case) -> Iterator[Finding]:
    sensitive = sorted(case.data_classes.intersection(case.policy.matrix.sensitive))
    if case.reversibility.irreversible and sensitive:
        yield Finding("irreversible-sensitive", _HARD, f"irreversible, with {', '.join(sensitive)} data")


def _cost(case: Case, proposal: Proposal) -> Iterator[Finding]:
    cost = proposal.package.cost
    if cost is not None and cost.amount > case.policy.matrix.cost_over.get(cost.currency, -1):
        yield Finding("cost", _HARD, "the cost is over the policy's limit for its currency")


def _matrix(case: Case) -> Iterator[Finding]:
    matrix, confidence, irreversible = case.policy.matrix, case.confidence, case.reversibility.irreversible
    bound = matrix.irreversible_soft_above if irreversible else matrix.reversible_auto_above
    if confidence <= bound:
        which = "irreversible" if irreversible else "reversible"
        level = _HARD if irreversible else _SOFT
        doubt = f"{which} action, and the confidence of {percent(confidence)} is not above {percent(bound)}"
        yield Finding(f"matrix-{which}", level, doubt)
    elif irreversible:
        yield Finding("matrix-irreversible", _SOFT, f"irreversible action, confidence {percent(confidence)}")


def _repeated_failures(case: Case, proposal: Proposal) -> Iterator[Finding]:
    if proposal.background.failures >= case.policy.matrix.failures:
        window = case.policy.matrix.failure_window
        because = f"this failed {proposal.background.failures} times within {window.total_seconds() / 3600:g} h"
        yield Finding("repeated-failures", _TAKEOVER, because)


def _tool(case: Case) -> Iterator[Finding]:
    tool = case.action.tool if case.action else None
    if tool and tool.approval_required:
        effect = tool.effect_type or "a high-impact effect"
        yield Finding("tool-requirement", _HARD, f"a tool with {effect} requires approval")


def _catalogue_floor(case: Case) -> Iterator[Finding]:
    if case.action and (floor := case.action.floor):
        yield Finding("floor", floor, f"your policy requires at least {floor} for {case.action_type}")


def _kind(case: Case) -> Iterator[Finding]:
    level = HITLLevel(getattr(case.policy.kinds, case.kind.value))
    if level > _AUTO:
        because = "a question always waits for a person" if case.kind is Kind.QUESTION else f"requires {level}"
        yield Finding(f"kind-{case.kind}", level, because)


def _autonomy(case: Case, _: Proposal) -> Iterator[Finding]:
    # The level with which agents start says nothing about a reversible action.
    is_start = case.earned is _SOFT and case.reversibility is Reversibility.REVERSIBLE
    if case.earned >= _SOFT and not is_start:
        yield Finding("autonomy", case.earned, f"the earned autonomy for {case.action_type} requires {case.earned}")


def _earlier(_: Case, proposal: Proposal) -> Iterator[Finding]:
    if (earlier := proposal.background.earlier) is not None:
        yield Finding("never-falls", earlier, f"this action required {earlier} before")


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
        because = "someone outside your directory requested this, so independence cannot be checked"
        yield Finding("outsider", _HARD, because)


# Reasons with the same level are recorded in this order.
_RULES: _Rules = (
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
        yield Finding("no-public-url", _HARD, "COUNTERSIGN_PUBLIC_URL is not set, so an objection could get lost")


# Evaluated only if the level would be a soft one.
_RULES_AGAINST_SILENCE: _Rules = (StateRule(_soft_off), ProposalRule(_not_shown_whole), ProposalRule(_no_public_url))


def _evaluate(rules: _Rules, case: Case, proposal: Proposal) -> Iterator[Finding]:
    for rule in rules:
        yield from rule.evaluate(case) if isinstance(rule, StateRule) else rule.evaluate(case, proposal)


def assess(package: DecisionPackage, background: Background, policy: Policy) -> Assessment:
    """The level and its reasons. If no rule asks for more than `full_auto`, the risk table is the reason."""
    case = Case(_facts_of_package(package, background, policy))
    proposal = Proposal(package, background, fits_on_card(package, policy.look(package.action_type)))
    findings = list(_evaluate(_RULES, case, proposal))
    fired = [finding for finding in findings if finding.level > _AUTO] or findings[:1]
    level = max(finding.level for finding in fired)
    if level is _SOFT and (against := list(_evaluate(_RULES_AGAINST_SILENCE, case, proposal))):
        level = _HARD
        fired += against
    fired.sort(key=attrgetter("level"), reverse=True)
    return Assessment(
        level=level,
        why=tuple(Why(rule=finding.rule, level=finding.level, because=finding.because) for finding in fired),
        risk=case.risk,
        reversibility=case.reversibility,
        whole_on_card=proposal.whole_on_card,
        earlier_no=background.earlier_no.no if background.earlier_no else None,
    )


def _facts_of_package(package: DecisionPackage, background: Background, policy: Policy) -> Facts:
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


def _facts_of_state(state: PackageState, policy: Policy, earned: HITLLevel = _SOFT) -> Facts:
    return Facts(policy, state.action_type, state.kind, state.risk, state.reversibility, state.confidence, earned)


def risk_today(policy: Policy, state: PackageState) -> RiskLevel:
    """The package's own risk, or the catalogue's present risk of its action type if that is higher."""
    return Case(_facts_of_state(state, policy)).risk


def _state_rules(rules: _Rules) -> _StateRules:
    return tuple(rule.evaluate for rule in rules if isinstance(rule, StateRule))


_STATE_RULES, _STATE_RULES_AND_SILENCE = _state_rules(_RULES), _state_rules(_RULES + _RULES_AGAINST_SILENCE)


def minimum_level_today(policy: Policy, state: PackageState) -> HITLLevel:
    """The lowest level that the policy allows for this state, with the rules against silence."""
    return _strictest(_STATE_RULES_AND_SILENCE, _facts_of_state(state, policy))


def level_today(policy: Policy, state: PackageState, earned: HITLLevel = _SOFT) -> HITLLevel:
    """The level for this state without the rules against silence, and with earned autonomy, as at submission."""
    return _strictest(_STATE_RULES, _facts_of_state(state, policy, earned))


@lru_cache(maxsize=1024)  # computed on every claim, and many claims are for similar actions
def _strictest(rules: _StateRules, facts: Facts) -> HITLLevel:
    case = Case(facts)
    return max(finding.level for evaluate in rules for finding in evaluate(case))


def silence_allowed(policy: Policy, risk: RiskLevel, reversibility: Reversibility) -> bool:
    """Whether silence may count as consent: never for high risk or grave irreversible actions."""
    grave = risk >= RiskLevel.HIGH or reversibility is Reversibility.IRREVERSIBLE_HIGH
    return policy.soft.enabled and not grave
