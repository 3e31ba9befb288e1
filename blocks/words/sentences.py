"""What the service says in its own words, on cards and notes, in Details and at home.

A sentence that names somebody is for literal text only. What is markup (`Tell` writes times so) names nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from decimal import Decimal

from blocks.kit.text import counted, cut, in_utc, line, span
from blocks.words.dossier import Dossier
from rules.package.model import Cost, Kind
from rules.policy.tiers import OnTimeout
from rules.scales import HITLLevel, Reversibility
from rules.state.events import Cause
from rules.state.model import PackageState, Why
from rules.verbs.timers import MAX_TIMEOUT_DEFERRALS
from rules.wording import humanize, with_article

Tell = Callable[[datetime], str]  # how a time is told: `text.when` in markup, `text.in_utc` in plain text

NAME = 60
EMPTIED = "What was asked has been removed, as the policy's retention asks. The record stands."
_FEW = 3

_ASKED = {
    Kind.ACTION: "approve this action",
    Kind.OUTPUT: "approve this output",
    Kind.PLAN: "approve this plan",
    Kind.QUESTION: "answer this question",
    Kind.MEMORY: "approve what it wants to remember",
    Kind.POLICY_EXCEPTION: "approve this exception to a policy",
    Kind.TOOL_CALL: "approve this tool call",
}
_UNDOING = {
    Reversibility.REVERSIBLE: "This can be undone.",
    Reversibility.PARTIALLY_REVERSIBLE: "This can be undone only in part.",
    Reversibility.IRREVERSIBLE_LOW: "This cannot be undone; what it can harm is small.",
    Reversibility.IRREVERSIBLE_HIGH: "This cannot be undone, and it can do great harm.",
}
_SURE = ((0.5, "unsure"), (0.65, "rather unsure"), (0.8, "fairly sure"), (0.95, "sure"))
_HARDENED = frozenset(
    [Cause.OBJECTION, Cause.POLICY_CHANGED, Cause.SILENCE_UNPROVEN, Cause.TIMEOUT, Cause.ESCALATION, Cause.NOBODY_LEFT]
)
_LOST = frozenset([Cause.CLICK_FAILED, Cause.PROOF_LOST])


def sentence(text: str) -> str:
    """With a capital letter and a full stop."""
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "?", "…")) else ".")


def joined(names: Iterable[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def named(dossier: Dossier, user_id: str) -> str:
    return cut(line(dossier.name(user_id)), NAME) or user_id


def people(dossier: Dossier, user_ids: Iterable[str], most: int = _FEW) -> str:
    names = [named(dossier, user_id) for user_id in user_ids]
    more = [counted(len(names) - most, "other")] if len(names) > most else []
    return joined((*names[:most], *more))


def agent(dossier: Dossier) -> str:
    return cut(line(dossier.agent), NAME) or dossier.state.agent_id


def title_of(dossier: Dossier) -> str:
    """As the agent has it; the action's name where retention has emptied the package."""
    return line(dossier.package.title if dossier.package else dossier.state.action_type) or "–"


def risk(state: PackageState) -> str:
    return f"{state.risk.value} risk"


def action(state: PackageState) -> str:
    """What a person is asked to do."""
    return "take this over" if state.level is HITLLevel.HUMAN_TAKEOVER else _ASKED[state.kind]


def call(state: PackageState) -> str:
    """The same, where somebody is called: nobody is called to approve."""
    if state.level is HITLLevel.HUMAN_TAKEOVER:
        return "take this over"
    return "answer" if state.kind is Kind.QUESTION else "decide"


def request(dossier: Dossier) -> str:
    """Who asks whom for what, in whose name."""
    state = dossier.state
    asked = (
        f"{agent(dossier)} asks {with_article(state.task.required_role)} to {action(state)}, {on_whose_word(dossier)}."
    )
    return f"{asked} {takes_more}" if (takes_more := quorum_asked(dossier)) else asked


def on_whose_word(dossier: Dossier) -> str:
    """Whom the agent says it works for; without anybody, its owner answers for it."""
    state = dossier.state
    own = state.requester == state.owner
    asked = f"for its owner {named(dossier, state.owner)}" if own else f"for {named(dossier, state.requester)}"
    behind = dossier.package.on_behalf_of if dossier.package else ()
    return f"{asked}, on behalf of {people(dossier, behind)}" if behind else asked


def quorum_asked(dossier: Dossier, takes: str = "takes") -> str:
    terms = dossier.terms
    if dossier.tally.needed < 2 or dossier.state.kind is Kind.QUESTION:  # noqa: PLR2004 - one is no quorum
        return ""
    parts = [f"{number} of them by {with_article(role)}" for role, number in terms.of_role.items()]
    return f"It {takes} {counted(dossier.tally.needed, 'approval')}{', ' + joined(parts) if parts else ''}."


def quorum_so_far(dossier: Dossier) -> str | None:
    """Who has approved, and who is still missing; nothing where one person is enough or nobody has spoken."""
    tally = dossier.tally
    if not tally.votes or tally.complete:
        return None
    who = people(dossier, [vote.reviewer_id for vote in tally.votes])
    return f"{len(tally.votes)} of {counted(tally.needed, 'approval')}: {who}. Still needed: {_missing(dossier)}."


def _missing(dossier: Dossier) -> str:
    tally = dossier.tally
    roles = [f"{counted(need - have, humanize(role))}" for role, (need, have) in tally.of_role.items() if have < need]
    others = tally.needed - tally.filled - sum(need - have for need, have in tally.of_role.values())
    more = [counted(others, humanize(dossier.state.task.required_role))] if others > 0 else []
    return joined(roles + more)


def if_nobody(state: PackageState) -> str:
    """What time does to a hard approval that nobody answers."""
    terms, task = state.terms, state.task
    if state.expires_at and state.expires_at <= task.due_at:
        return "it expires, and nothing is done"
    match terms.on_timeout:
        case OnTimeout.ESCALATE if task.rung < terms.top:
            return f"it goes to {with_article(terms.role_at(task.rung + 1))}"
        case OnTimeout.CANCEL:
            return "it is cancelled"
        case OnTimeout.DEFER if state.put_off < MAX_TIMEOUT_DEFERRALS:
            return f"it is put off for {span(terms.defer_for)}"
        case _:
            return "it expires, and nothing is done"


def goes_ahead_at(dossier: Dossier) -> datetime | None:
    """When silence will have come to consent at the earliest; None while it does not count yet."""
    shown = dossier.state.shown
    return shown.at + dossier.terms.soft_timeout if shown else None


def timing(dossier: Dossier, tell: Tell) -> tuple[tuple[str, str], tuple[str, str]]:
    """Until when, and what then: two pairs of a name and a sentence, naming nobody."""
    state = dossier.state
    if not state.soft:
        by = "Answer by" if state.kind is Kind.QUESTION else "Decide by"
        return (by, tell(state.ends_at)), ("If nobody does", sentence(if_nobody(state)))
    at = goes_ahead_at(dossier)
    if at is None:
        counts = f"It will count for {span(dossier.terms.soft_timeout)}, once a reviewer can see this card."
        return ("Silence does not count yet", counts), ("If somebody objects", "It waits for a yes.")
    ahead = f"After {tell(at)}, unless somebody objects."
    return ("Goes ahead by itself", ahead), ("If somebody objects", "It waits for a yes.")


def timing_aloud(dossier: Dossier) -> str:
    """The same in one breath, for the text that is read out."""
    state = dossier.state
    if not state.soft:
        return f"By {in_utc(state.ends_at)}; if nobody decides, {if_nobody(state)}."
    at = goes_ahead_at(dossier)
    if at is None:
        return "Silence does not count yet."
    return f"It goes ahead by itself after {in_utc(at)}, unless somebody objects."


def hardened(state: PackageState) -> str | None:
    """Why silence has stopped counting, if it ever did count."""
    first: Why | None = state.why[0] if state.why else None
    if first is not None and first.rule in _LOST:
        return f"{sentence(first.because)} Explicit approval is now required."
    if first is None or first.rule not in _HARDENED:
        return None
    return f"Silence no longer counts: {first.because}. This waits for a yes."


def because(why: Why) -> str:
    """The service's own words, with its levels named as people say them."""
    kind = humanize(why.rule.removeprefix("kind-"))
    said = f"{with_article(kind)} {why.because}" if why.because.startswith("takes ") else why.because
    for level in HITLLevel:
        said = said.replace(level.value, humanize(level.value))
    return sentence(said)


def undoing(state: PackageState) -> str:
    return _UNDOING[state.reversibility]


def stakes(dossier: Dossier) -> Iterator[tuple[str, str]]:
    """What hangs on it, in pairs as of `timing`. They may be markup: of what the agent says, numbers and a currency."""
    yield "Undo", undoing(dossier.state)
    if package := dossier.package:
        cost = f"{price(package.cost)}, " if package.cost else ""
        said = f"{cost}{sure(package.confidence)}"
        yield "The agent says", said[:1].upper() + said[1:]


def price(cost: Cost) -> str:
    """With two decimals, unless that would tell another price."""
    written, exact = f"{cost.amount:,.2f}", f"{Decimal(repr(cost.amount)):,f}"
    told = written if float(written.replace(",", "")) == cost.amount else exact
    return f"{told} {cost.currency}"


def sure(confidence: float) -> str:
    """A number in words and in percent; 99.6 % is not 100 %."""
    word = next((word for bound, word in _SURE if confidence < bound), "very sure")
    return f"{word} ({int(confidence * 100 + 1e-9)}%)"
