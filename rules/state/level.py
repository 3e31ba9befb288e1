"""The level of human involvement that a package needs: all rules are evaluated, and the strictest wins.

Every rule of `rules.state.level_rules` that asks for more than `full_auto` is kept as a reason (`Why`). A rule for
which an approved exception holds is left out, and the reasons cite the exception.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from operator import attrgetter

from rules.package.exceptions import ExceptionUse, excepted_types
from rules.package.layout import fits_on_card
from rules.package.model import DecisionPackage
from rules.policy.model import Policy
from rules.scales import HITLLevel, Reversibility, RiskLevel
from rules.state.case import Background, Case, Facts, Finding, Proposal, StateRule
from rules.state.level_rules import RULES, RULES_AGAINST_SILENCE, Rules
from rules.state.model import PackageState, Why
from rules.state.noes import No
from rules.values import Value

_AUTO, _, _SOFT, _, _ = HITLLevel


class Assessment(Value):
    level: HITLLevel
    why: tuple[Why, ...]
    risk: RiskLevel
    reversibility: Reversibility
    whole_on_card: bool
    earlier_no: No | None = None
    exception_uses: tuple[ExceptionUse, ...] = ()


_StateRules = tuple[Callable[[Case], Iterator[Finding]], ...]


def _evaluate(rules: Rules, case: Case, proposal: Proposal) -> Iterator[Finding]:
    for rule in rules:
        yield from rule.evaluate(case) if isinstance(rule, StateRule) else rule.evaluate(case, proposal)


def assess(package: DecisionPackage, background: Background, policy: Policy) -> Assessment:
    """The level and its reasons, without the rules that exceptions set aside."""
    case = Case(_facts_of_package(package, background, policy))
    proposal = Proposal(package, background, fits_on_card(package, policy.look(package.action_type)))
    findings, left_out = list(_evaluate(RULES, case, proposal)), []
    if background.set_aside:
        left_out = [finding for finding in findings if finding.rule in background.set_aside and finding.level > _AUTO]
        findings = [finding for finding in findings if finding.rule not in background.set_aside]
    fired = _weigh(findings, case, proposal)
    return Assessment(
        level=fired[0].level if fired else _AUTO,
        why=tuple(_why(finding) for finding in (*fired, *(_set_aside(finding, background) for finding in left_out))),
        risk=case.risk,
        reversibility=case.reversibility,
        whole_on_card=proposal.whole_on_card,
        earlier_no=background.earlier_no.no if background.earlier_no else None,
        exception_uses=tuple(
            ExceptionUse(exception_id=background.set_aside[finding.rule], rule=finding.rule, asked=finding.level)
            for finding in left_out
        ),
    )


def _weigh(findings: list[Finding], case: Case, proposal: Proposal) -> list[Finding]:
    """The findings that ask for more than `full_auto`, the strictest first; if there is none, the first finding."""
    fired = [finding for finding in findings if finding.level > _AUTO] or findings[:1]
    if _level_of(fired) is _SOFT:
        fired += _evaluate(RULES_AGAINST_SILENCE, case, proposal)
    return sorted(fired, key=attrgetter("level"), reverse=True)


def _level_of(findings: list[Finding]) -> HITLLevel:
    return max((finding.level for finding in findings), default=_AUTO)


def _set_aside(finding: Finding, background: Background) -> Finding:
    exception_id = background.set_aside[finding.rule]
    because = f"exception {exception_id} sets aside the rule {finding.rule}, which asks for {finding.level}"
    return Finding("exception", _AUTO, because)


def _why(finding: Finding) -> Why:
    return Why(rule=finding.rule, level=finding.level, because=finding.because)


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
        excepted_types(package),
    )


def _facts_of_state(
    state: PackageState, policy: Policy, earned: HITLLevel = _SOFT, set_aside: frozenset[str] = frozenset()
) -> Facts:
    return Facts(
        policy,
        state.action_type,
        state.kind,
        state.risk,
        state.reversibility,
        state.confidence,
        earned,
        excepted=state.exception.action_types if state.exception else (),
        set_aside=set_aside,
    )


def risk_today(policy: Policy, state: PackageState) -> RiskLevel:
    """The package's own risk, or the catalogue's present risk of its action type if that is higher."""
    return Case(_facts_of_state(state, policy)).risk


def _state_rules(rules: Rules) -> _StateRules:
    return tuple(rule.evaluate for rule in rules if isinstance(rule, StateRule))


_STATE_RULES, _STATE_RULES_AND_SILENCE = _state_rules(RULES), _state_rules(RULES + RULES_AGAINST_SILENCE)


def minimum_level_today(policy: Policy, state: PackageState, set_aside: frozenset[str] = frozenset()) -> HITLLevel:
    """The lowest level that the policy allows for this state, with the rules against silence."""
    return _strictest(_STATE_RULES_AND_SILENCE, _facts_of_state(state, policy, set_aside=set_aside))


def level_today(
    policy: Policy, state: PackageState, earned: HITLLevel = _SOFT, set_aside: frozenset[str] = frozenset()
) -> HITLLevel:
    """The level for this state without the rules against silence, and with earned autonomy, as at submission."""
    return _strictest(_STATE_RULES, _facts_of_state(state, policy, earned, set_aside))


@lru_cache(maxsize=1024)  # computed on every claim, and many claims are for similar actions
def _strictest(rules: _StateRules, facts: Facts) -> HITLLevel:
    case = Case(facts)
    findings = (finding for evaluate in rules for finding in evaluate(case))
    return max((finding.level for finding in findings if finding.rule not in facts.set_aside), default=_AUTO)
