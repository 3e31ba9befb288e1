"""How much human a package takes: every voice speaks, the strictest wins, and each that fired is kept.

What the agent says of itself (confidence, reversibility, risk, recommendation) can only raise the level.
Only autonomy that was earned eases one, only the two tables, and only as far as the action type's floor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache

from rules.package.layout import whole_on_card
from rules.package.model import DecisionPackage, Kind, Recommendation
from rules.policy.actions import Action, Listing
from rules.policy.model import Policy
from rules.scales import HITLLevel, Reversibility, RiskLevel
from rules.state.events import Cause
from rules.state.model import PackageState, Why
from rules.state.noes import EarlierNo, Likeness, No
from rules.values import Value
from rules.wording import plainly

_AUTO, _NOTIFY, _SOFT, _HARD, _TAKEOVER = HITLLevel

_FLOORS = {
    Reversibility.REVERSIBLE: _AUTO,
    Reversibility.PARTIALLY_REVERSIBLE: _NOTIFY,
    Reversibility.IRREVERSIBLE_LOW: _SOFT,
    Reversibility.IRREVERSIBLE_HIGH: _HARD,
}


class Background(Value):
    """What bears on the level besides the package itself."""

    earned: HITLLevel | None = None
    failures: int = 0
    earlier: HITLLevel | None = None
    earlier_no: EarlierNo | None = None
    outsider: bool = False
    clicks_provable: bool = True


class Assessment(Value):
    level: HITLLevel
    why: tuple[Why, ...]
    risk: RiskLevel
    reversibility: Reversibility
    whole_on_card: bool
    earlier_no: No | None = None


class Case:
    """A package beside the policy's entry for it: what the voices look at."""

    def __init__(self, package: DecisionPackage, background: Background, policy: Policy) -> None:
        self.package, self.background, self.policy = package, background, policy
        self.listing: Listing = policy.listing(package.action_type)
        self.action: Action | None = self.listing.action
        known = self.action.reversibility if self.action else Reversibility.IRREVERSIBLE_HIGH
        self.reversibility = max(known, package.reversibility or known)
        self.risk = max(package.risk_level, self.action.risk if self.action else RiskLevel.LOW)
        self.data = {*package.data_classes, *(self.action.data_classes if self.action else ())}
        self.earned = background.earned or policy.autonomy.start

    @property
    def floor(self) -> HITLLevel:
        """What the own entry lets be earned; a broader entry lets no more be earned than it would by itself."""
        entries = (self.listing.own, *self.listing.broader)
        return max((entry and entry.floor) or _FLOORS[self.reversibility] for entry in entries)

    def eased(self, level: HITLLevel) -> HITLLevel:
        """A soft level, lowered as far as what was earned and the floor allow. No other level is ever lowered."""
        return min(level, max(self.earned, self.floor)) if level is _SOFT else level

    @property
    def costs_too_much(self) -> bool:
        cost = self.package.cost
        return cost is not None and cost.amount > self.policy.matrix.cost_over.get(cost.currency, -1)


_Voice = Callable[[Case], Iterator[Why]]


def _says(rule: str, level: HITLLevel, because: str) -> Why:
    return Why(rule=rule, level=level, because=because)


def _risk_table(case: Case) -> Iterator[Why]:
    said = case.policy.tiers.of(case.risk).level
    yield _says(f"risk-{case.risk}", case.eased(said), f"{case.risk} risk takes {said}" + _easing(case, said))


def _reversibility_table(case: Case) -> Iterator[Why]:
    said = case.policy.reversibility.of(case.reversibility)
    kind = plainly(case.reversibility)
    listed = f"{kind} actions take {said}" if case.listing.own else f"an unlisted action type counts as {kind}"
    yield _says(case.reversibility.replace("_", "-"), case.eased(said), listed + _easing(case, said))


def _easing(case: Case, said: HITLLevel) -> str:
    eased = case.eased(said)
    return f", eased to {eased} by earned autonomy" if eased < said else ""


def _confidence_bands(case: Case) -> Iterator[Why]:
    sure = case.package.confidence
    for bound, level in _bands(case.policy):
        if sure < bound:
            yield _says("confidence", level, f"the agent's confidence of {sure:g} is below {bound:g}")
            return


def _bands(policy: Policy) -> tuple[tuple[float, HITLLevel], ...]:
    bands = policy.confidence
    return (bands.takeover_below, _TAKEOVER), (bands.hard_below, _HARD), (bands.soft_below, _SOFT)


def _recommendation(case: Case) -> Iterator[Why]:
    match case.package.recommendation:
        case Recommendation.ESCALATE:
            yield _says("agent-escalates", _TAKEOVER, "the agent itself asks for a person to take over")
        case Recommendation.CLARIFY:
            yield _says("agent-asks", _HARD, "the agent asks for clarification, which silence cannot give")
        case _:
            pass


def _no_plain_approval(case: Case) -> Iterator[Why]:
    allowed = case.package.effective_decisions
    if allowed is not None and "approve" not in allowed:
        yield _says("no-plain-approval", _HARD, "the agent takes no plain approval, so silence cannot give one")


def _matrix(case: Case) -> Iterator[Why]:
    matrix, sure = case.policy.matrix, case.package.confidence
    sensitive = sorted(case.data.intersection(matrix.sensitive))
    if case.reversibility.irreversible and sensitive:
        yield _says("irreversible-sensitive", _HARD, f"irreversible and {', '.join(sensitive)}: always hard_approval")
    if case.costs_too_much:
        yield _says("cost", _HARD, "the cost is over the threshold of its currency")
    bound = matrix.irreversible_soft_above if case.reversibility.irreversible else matrix.reversible_auto_above
    if sure <= bound:
        level = _HARD if case.reversibility.irreversible else _SOFT
        which = "irreversible" if case.reversibility.irreversible else "reversible"
        yield _says(f"matrix-{which}", level, f"{which} at a confidence of {sure:g}, not over {bound:g}")
    elif case.reversibility.irreversible:
        yield _says("matrix-irreversible", _SOFT, f"irreversible at a confidence of {sure:g}, over {bound:g}")


def _repeated_failures(case: Case) -> Iterator[Why]:
    if case.background.failures >= case.policy.matrix.failures:
        window = case.policy.matrix.failure_window
        because = f"{case.background.failures} failures within {window.total_seconds() / 3600:g} h"
        yield _says("repeated-failures", _TAKEOVER, because)


def _tool(case: Case) -> Iterator[Why]:
    tool = case.action.tool if case.action else None
    if tool and tool.approval_required:
        effect = tool.effect_type or "a high-impact effect"
        yield _says("tool-requirement", _HARD, f"a tool with {effect} requires approval")


def _catalogue_floor(case: Case) -> Iterator[Why]:
    if case.action and case.action.floor:
        yield _says("floor", case.action.floor, f"the catalogue gives {case.package.action_type} at least this")


def _kind(case: Case) -> Iterator[Why]:
    least = HITLLevel(getattr(case.policy.kinds, case.package.kind.value))
    if least > _AUTO:
        because = "a question always waits for a person" if case.package.kind is Kind.QUESTION else f"takes {least}"
        yield _says(f"kind-{case.package.kind}", least, because)


def _autonomy(case: Case) -> Iterator[Why]:
    fresh = case.earned is _SOFT and case.reversibility is Reversibility.REVERSIBLE
    if case.earned >= _SOFT and not fresh:
        yield _says("autonomy", case.earned, f"what this agent has earned for {case.package.action_type} so far")


def _earlier(case: Case) -> Iterator[Why]:
    if case.background.earlier is not None:
        yield _says("never-falls", case.background.earlier, "the same action was already found to take this")


def _earlier_no(case: Case) -> Iterator[Why]:
    earlier = case.background.earlier_no
    if earlier is None:
        return
    if earlier.likeness is Likeness.SAME_ACTION and case.package.material_change:
        yield _says("material-change", _HARD, f"{earlier.because}; the agent declares a material change")
    else:
        yield _says(Cause.EARLIER_NO.value, _HARD, earlier.because)


def _outsider(case: Case) -> Iterator[Why]:
    if case.background.outsider:
        because = "someone outside your directory is behind it, so nobody can check who is independent of them"
        yield _says("outsider", _HARD, because)


_VOICES: tuple[_Voice, ...] = (
    _risk_table,
    _reversibility_table,
    _confidence_bands,
    _recommendation,
    _no_plain_approval,
    _matrix,
    _repeated_failures,
    _tool,
    _catalogue_floor,
    _kind,
    _autonomy,
    _earlier,
    _earlier_no,
    _outsider,
)


def assess(package: DecisionPackage, background: Background, policy: Policy) -> Assessment:
    """The level, and every voice that spoke for more than nothing; where all agree on nothing, the table says so."""
    case = Case(package, background, policy)
    said = [why for voice in _VOICES for why in voice(case)]
    fired = [why for why in said if why.level > _AUTO] or said[:1]
    level = max(why.level for why in fired)
    whole = whole_on_card(package)
    if level is _SOFT and (against := list(_against_silence(case, whole=whole))):
        level = _HARD
        fired += against
    fired.sort(key=lambda why: why.level, reverse=True)
    return Assessment(
        level=level,
        why=tuple(fired),
        risk=case.risk,
        reversibility=case.reversibility,
        whole_on_card=whole,
        earlier_no=background.earlier_no.no if background.earlier_no else None,
    )


def _against_silence(case: Case, *, whole: bool) -> Iterator[Why]:
    if not may_be_silent(case.policy, case.risk, case.reversibility):
        yield _says("soft-off", _HARD, "silence does not count here")
    if not whole:
        yield _says(Cause.NOT_SHOWN_WHOLE.value, _HARD, "the card cannot show all of it, so silence is not consent")
    if not case.background.clicks_provable:
        yield _says("no-public-url", _HARD, "without COUNTERSIGN_PUBLIC_URL no objection is sure to arrive")


def risk_today(policy: Policy, state: PackageState) -> RiskLevel:
    """The package's own risk, or what the catalogue gives its action type by now if that is higher."""
    return _graver(policy, state.action_type, state.risk, state.reversibility)[0]


def least(policy: Policy, state: PackageState) -> HITLLevel:
    """What a policy asks for what its state says of a package, whatever its agent has earned."""
    risk, reversibility = _graver(policy, state.action_type, state.risk, state.reversibility)
    return max(asked_today(policy, state), _AUTO if may_be_silent(policy, risk, reversibility) else _HARD)


def asked_today(policy: Policy, state: PackageState, earned: HITLLevel = _SOFT) -> HITLLevel:
    """The same, but for whether silence may count at all. Earned autonomy eases the two tables, as at submission."""
    return _asked(policy, state.action_type, state.kind, state.risk, state.reversibility, state.confidence, earned)


@lru_cache(maxsize=1024)  # each claim asks, and many are for a like action
def _asked(  # noqa: PLR0917 - what bears on the level, and nothing else, so that it is the cache's key
    policy: Policy,
    action_type: str,
    kind: Kind,
    risk: RiskLevel,
    reversibility: Reversibility,
    confidence: float,
    earned: HITLLevel,
) -> HITLLevel:
    action = policy.action(action_type)
    risk, reversibility = _graver(policy, action_type, risk, reversibility)
    floor = (action.floor if action else None) or _FLOORS[reversibility]
    tables = (policy.tiers.of(risk).level, policy.reversibility.of(reversibility))
    said = [min(level, max(earned, floor)) if level is _SOFT else level for level in tables]
    said.append(HITLLevel(getattr(policy.kinds, kind.value)))
    said += [level for bound, level in _bands(policy) if confidence < bound]
    if action and action.floor:
        said.append(action.floor)
    if action and action.tool and action.tool.approval_required:
        said.append(_HARD)
    sensitive = bool(action and set(action.data_classes).intersection(policy.matrix.sensitive))
    return max(*said, _matrix_today(policy, confidence, reversibility, sensitive=sensitive))


def _matrix_today(policy: Policy, sure: float, reversibility: Reversibility, *, sensitive: bool) -> HITLLevel:
    if not reversibility.irreversible:
        return _SOFT if sure <= policy.matrix.reversible_auto_above else _AUTO
    return _HARD if sensitive or sure <= policy.matrix.irreversible_soft_above else _SOFT


def _graver(
    policy: Policy, action_type: str, risk: RiskLevel, reversibility: Reversibility
) -> tuple[RiskLevel, Reversibility]:
    """As the package came in, or as the catalogue has its action type by now: the graver of both."""
    action = policy.action(action_type)
    known = action.reversibility if action else Reversibility.IRREVERSIBLE_HIGH
    return max(risk, action.risk) if action else risk, max(reversibility, known)


def may_be_silent(policy: Policy, risk: RiskLevel, reversibility: Reversibility) -> bool:
    """Whether silence may ever count: never for high risk or what cannot be undone, whatever the tables say."""
    grave = risk >= RiskLevel.HIGH or reversibility is Reversibility.IRREVERSIBLE_HIGH
    return policy.soft.enabled and not grave
