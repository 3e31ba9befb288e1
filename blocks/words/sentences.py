"""Sentences of the service about a package, used on cards, in notes, in Details and in App Home.

Sentences that contain a person's or an agent's name go into literal text only. Sentences that may become markup, such
as those with a time from `FormatTime`, contain no names.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import datetime
from decimal import Decimal

from blocks.kit.text import cut, format_duration, in_utc, one_line, pluralize
from blocks.words.dossier import Dossier
from rules.authority.ladder import ladder_roles, who_may_decide
from rules.package.model import CALLS, Cost, Kind
from rules.policy.tiers import OnTimeout
from rules.scales import HITLLevel, Reversibility, RiskLevel
from rules.state.commands import Verb
from rules.state.decisions import OPERATOR, Seat
from rules.state.events import Cause
from rules.state.model import PackageState, Why
from rules.verbs.timers import MAX_TIMEOUT_DEFERRALS
from rules.verbs.trials import requested_verb
from rules.wording import humanize, with_article

FormatTime = Callable[[datetime], str]  # `text.slack_date` in markup, `text.in_utc` in plain text

NAME = 60  # characters of a person's or an agent's name
EMPTIED = "The content was deleted under the policy's retention. The audit trail remains."
_FEW = 3  # names in a sentence

_ASKED = {
    Kind.ACTION: "approve this action",
    Kind.OUTPUT: "approve this output",
    Kind.PLAN: "approve this plan",
    Kind.QUESTION: "answer this question",
    Kind.MEMORY: "approve this memory",
    Kind.POLICY_EXCEPTION: "approve this exception to a policy",
    Kind.TOOL_CALL: "approve this tool call",
}
_UNDOING = {
    Reversibility.REVERSIBLE: "Reversible",
    Reversibility.PARTIALLY_REVERSIBLE: "Partly reversible",
    Reversibility.IRREVERSIBLE_LOW: "Irreversible, low impact",
    Reversibility.IRREVERSIBLE_HIGH: "Irreversible, high impact",
}
_HARDENED = frozenset([
    Cause.OBJECTION, Cause.POLICY_CHANGED, Cause.SILENCE_UNPROVEN, Cause.TIMEOUT, Cause.ESCALATION, Cause.NOBODY_LEFT,
    Cause.CLICK_FAILED, Cause.PROOF_LOST,
])  # fmt: skip


def sentence(text: str) -> str:
    """The text with a capital letter and a full stop."""
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "?", "…")) else ".")


def join_names(names: Iterable[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def person_name(dossier: Dossier, user_id: str) -> str:
    return cut(one_line(dossier.name(user_id)), NAME) or user_id


def decider_name(dossier: Dossier, seat: Seat) -> str:
    """An operator's name came with the decision."""
    operator = dossier.decision_words.get(OPERATOR) if seat.role == OPERATOR else None
    return cut(one_line(str(operator)), NAME) if operator else person_name(dossier, seat.reviewer_id)


def people_names(dossier: Dossier, user_ids: Iterable[str], limit: int = _FEW) -> str:
    names = [person_name(dossier, user_id) for user_id in user_ids]
    more = [pluralize(len(names) - limit, "other")] if len(names) > limit else []
    return join_names((*names[:limit], *more))


def agent_name(dossier: Dossier) -> str:
    return cut(one_line(dossier.agent), NAME) or dossier.state.agent_id


def title_of(dossier: Dossier) -> str:
    """The agent's title, or the action type if retention has emptied the package."""
    return one_line(dossier.package.title if dossier.package else dossier.state.action_type) or "–"


def risk_label(state: PackageState) -> str:
    return f"{state.risk.value} risk"


def asked_action(state: PackageState) -> str:
    """What the reviewer is asked to do, as a full phrase."""
    return "take this over" if requested_verb(state) is Verb.TAKE_OVER else _ASKED[state.kind]


def request_sentence(dossier: Dossier) -> str:
    """Who asks which roles for what, and on whose behalf."""
    state = dossier.state
    call = state.kind in CALLS and state.level is not HITLLevel.HUMAN_TAKEOVER
    action_text = "" if call else f" to {asked_action(state)}"
    roles = who_may_decide(state, dossier.terms)
    return f"{agent_name(dossier)} asks {roles}{action_text}, {on_whose_behalf(dossier)}."


def on_whose_behalf(dossier: Dossier) -> str:
    """The requester and the delegation chain, as the agent names them; the owner if it names no requester."""
    state = dossier.state
    own = state.requester == state.owner
    text = (
        f"for its owner {person_name(dossier, state.owner)}" if own else f"for {person_name(dossier, state.requester)}"
    )
    chain = dossier.package.on_behalf_of if dossier.package else ()
    return f"{text}, on behalf of {people_names(dossier, chain)}" if chain else text


def quorum_sentence(dossier: Dossier, needs: str = "Needs") -> str:
    """How many approvals it needs, and of which roles; empty if one is enough. `needs` is the sentence's verb."""
    terms = dossier.terms
    if dossier.tally.needed < 2 or dossier.state.kind is Kind.QUESTION:  # noqa: PLR2004 - one is no quorum
        return ""
    parts = [f"{number} of them by {with_article(role)}" for role, number in terms.of_role.items()]
    return f"{needs} {pluralize(dossier.tally.needed, 'approval')}{', ' + join_names(parts) if parts else ''}."


def quorum_progress(dossier: Dossier, *, is_named: bool = True) -> str | None:
    """Who, or how many, have approved and which approvals are missing; None without votes or with all of them."""
    tally = dossier.tally
    if not tally.votes or tally.complete:
        return None
    who = f": {people_names(dossier, [vote.reviewer_id for vote in tally.votes])}" if is_named else ""
    return f"{len(tally.votes)} of {pluralize(tally.needed, 'approval')}{who}. Still needed: {_missing(dossier)}."


def _missing(dossier: Dossier) -> str:
    tally = dossier.tally
    roles = [f"{pluralize(need - have, humanize(role))}" for role, (need, have) in tally.of_role.items() if have < need]
    any_role = tally.needed - tally.filled - sum(need - have for need, have in tally.of_role.values())
    more = [_approvals_of_any(any_role, dossier)] if any_role > 0 else []
    return join_names(roles + more)


def _approvals_of_any(number: int, dossier: Dossier) -> str:
    asked, *kept = ladder_roles(dossier.state, dossier.terms)
    return f"{number} by {who_may_decide(dossier.state, dossier.terms)}" if kept else pluralize(number, humanize(asked))


def timeout_outcome(state: PackageState) -> str:
    """What happens to a hard approval at its timeout."""
    terms, task = state.terms, state.task
    if state.expires_at and state.expires_at <= task.due_at:
        return "it expires"
    match terms.on_timeout:
        case OnTimeout.ESCALATE if task.rung < terms.top:
            return f"{with_article(terms.role_at(task.rung + 1))} is asked"
        case OnTimeout.CANCEL:
            return "it is cancelled"
        case OnTimeout.DEFER if state.put_off < MAX_TIMEOUT_DEFERRALS:
            return f"it is deferred for {format_duration(terms.defer_for)}"
        case _:
            return "it expires"


def goes_ahead_at(dossier: Dossier) -> datetime | None:
    """The earliest time at which silence becomes consent; None if silence does not count yet."""
    shown = dossier.state.shown
    return shown.at + dossier.terms.soft_timeout if shown else None


def timing_sentence(dossier: Dossier) -> str:
    """The deadline as plain text, for screen readers and notifications."""
    state = dossier.state
    if state.hold:
        return f"{person_name(dossier, state.hold.by)} put it on hold, and its deadlines stopped."
    if not state.soft:
        return f"By {in_utc(state.ends_at)}, then {timeout_outcome(state)}."
    at = goes_ahead_at(dossier)
    if at is None:
        return "Silence does not count yet."
    return f"It goes ahead after {in_utc(at)}, unless someone objects."


def why_silence_stopped(state: PackageState) -> str | None:
    """Why silence no longer counts; None if it still counts or never did."""
    first: Why | None = state.why[0] if state.why else None
    if first is None or first.rule not in _HARDENED:
        return None
    return f"{sentence(first.because)} Explicit approval is now required."


_LEVELS = {
    HITLLevel.FULL_AUTO: "no approval",
    HITLLevel.NOTIFY_ONLY: "a notice",
    HITLLevel.SOFT_APPROVAL: "a chance to object",
    HITLLevel.HARD_APPROVAL: "approval",
    HITLLevel.HUMAN_TAKEOVER: "a person to take over",
}
_PII = re.compile(r"\bpii\b")  # the name of a class of data, which a policy writes in lower case


def reason_sentence(why: Why) -> str:
    return sentence(reason_phrase(why))


def reason_phrase(why: Why) -> str:
    """The reason of a rule, with plain names for the levels in it."""
    kind = humanize(why.rule.removeprefix("kind-"))
    text = f"{with_article(kind)} {why.because}" if why.because.startswith("requires ") else why.because
    for level, plain in _LEVELS.items():
        text = text.replace(level.value, plain)
    return _PII.sub("PII", text)


RISK_ICONS = {RiskLevel.LOW: "⚪️", RiskLevel.MEDIUM: "🟡", RiskLevel.HIGH: "🔴", RiskLevel.CRITICAL: "⛔️"}


def request_icon(state: PackageState) -> str:
    """The icon before the title of a waiting package. The risk always stands beside it in words."""
    return "❓" if state.kind is Kind.QUESTION else RISK_ICONS[state.risk]


def reversibility_sentence(state: PackageState) -> str:
    return _UNDOING[state.reversibility]


def consequence(state: PackageState) -> str:
    """The sentence that must be confirmed before something grave may go ahead."""
    return f"{risk_label(state).capitalize()}. {reversibility_sentence(state)}"


def price_text(cost: Cost) -> str:
    """Two decimals, unless rounding would change the amount."""
    rounded, exact = f"{cost.amount:,.2f}", f"{Decimal(repr(cost.amount)):,f}"
    amount = rounded if float(rounded.replace(",", "")) == cost.amount else exact
    return f"{amount} {cost.currency}"
