"""The rules that say how much human involvement a package needs, and each why. `rules.state.level` weighs them.

What the agent says of itself (confidence, reversibility, risk, recommendation) can only raise the level. Only earned
autonomy can lower one, only in the two tables, and never below the floor of the action type.

A `StateRule` needs only facts that a stored state has, so it also tells what today's policy requires for a package that
came in earlier. A `ProposalRule` is applied only at submission.
"""

from __future__ import annotations

from collections.abc import Iterator

from rules.package.model import InterruptType, Kind, Recommendation
from rules.policy.model import Policy
from rules.scales import HITLLevel, Reversibility, RiskLevel
from rules.state.case import Case, Finding, Proposal, ProposalRule, StateRule
from rules.state.events import Cause
from rules.state.noes import Similarity
from rules.wording import humanize, percent

_AUTO, _, _SOFT, _HARD, _TAKEOVER = HITLLevel

Rules = tuple[StateRule | ProposalRule, ...]


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
    over_any = -1  # the limit of a currency that the policy does not list
    if cost is not None and cost.amount > case.policy.matrix.cost_over.get(cost.currency, over_any):
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


def _never_falls(_: Case, proposal: Proposal) -> Iterator[Finding]:
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


def _exception(case: Case, _: Proposal) -> Iterator[Finding]:
    if case.excepted:
        yield Finding("exception-asked", _HARD, "an exception to a rule needs the approval of at least two people")


# Reasons with the same level are recorded in this order.
RULES: Rules = (
    ProposalRule(_exception),
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
    ProposalRule(_never_falls),
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
RULES_AGAINST_SILENCE: Rules = (StateRule(_soft_off), ProposalRule(_not_shown_whole), ProposalRule(_no_public_url))


def silence_allowed(policy: Policy, risk: RiskLevel, reversibility: Reversibility) -> bool:
    """Whether silence may count as consent: never for high risk or grave irreversible actions."""
    grave = risk >= RiskLevel.HIGH or reversibility is Reversibility.IRREVERSIBLE_HIGH
    return policy.soft.enabled and not grave
