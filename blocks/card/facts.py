"""The lines of a card that the service itself vouches for: deadline, progress, warnings, and why a person is asked.

The agent's own words are in `blocks.card.claims` and are always framed, so that a reader can tell the two apart.
Details and mails use the same lines.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from blocks.card.exceptions import allowance
from blocks.kit.elements import Block, Element, Run, bold, moment, paragraph, plain_context
from blocks.kit.frame import Parts, framed_list, shorten
from blocks.kit.text import format_duration
from blocks.words.dossier import Dossier
from blocks.words.sentences import (
    agent_name,
    asked_action,
    goes_ahead_at,
    join_names,
    on_whose_behalf,
    people_names,
    person_name,
    price_text,
    quorum_progress,
    quorum_sentence,
    reason_phrase,
    reversibility_sentence,
    timeout_outcome,
    why_silence_stopped,
)
from rules.authority.ladder import who_may_decide
from rules.authority.parties import CHAIN_BARS, barred_by_chain, has_outsider
from rules.package.alphabets import mixed_alphabets
from rules.package.model import CALLS, DecisionPackage, Kind
from rules.scales import HITLLevel, Reversibility, RiskLevel
from rules.state.commands import Verb
from rules.state.events import Cause, EventType
from rules.state.model import Bar, PackageState, Status, Why
from rules.wording import humanize, with_article

_FEW = 4  # names in mixed alphabets
_NAME = 40  # characters of such a name
_CLIMBED: Mapping[str, str] = {
    Cause.TIMEOUT: "nobody answered in time",
    Cause.NOBODY_LEFT: "nobody who was asked can decide it any more",
}
# If several rules ask for the strictest level, the card shows the first of these.
_MOST_TELLING_FIRST = (
    "exception-asked", "earlier-no", "material-change", "outsider", "repeated-failures", "agent-escalates",
    "agent-asks", "irreversible-sensitive", "cost", "tool-requirement", "confidence", "irreversible-high",
    "irreversible-low",
)  # fmt: skip


def request(dossier: Dossier) -> Element:
    """Which agent asks, for whom, until when, and what happens then. The people who are asked are named below."""
    state, named = dossier.state, dossier.mentions and not dossier.more_may_decide
    # The title of a question or call already says what is asked. A takeover must say that the person does the work.
    in_title = state.kind is Kind.QUESTION or (state.kind in CALLS and state.level is not HITLLevel.HUMAN_TAKEOVER)
    role = f" {who_may_decide(state, dossier.terms)}" if not named else "" if in_title else " you"
    action_text = "" if in_title else f" to {asked_action(state)}"
    quorum = "" if dossier.tally.votes else quorum_sentence(dossier, "needs")
    whose = on_whose_behalf(dossier)
    needs = [f" · {quorum[:-1]}"] if quorum else []
    return paragraph(bold(agent_name(dossier)), f" asks{role}{action_text}, {whose}", *needs, " · ", *deadline(dossier))


def deadline_line(dossier: Dossier) -> Element:
    """The deadline as a line of its own."""
    begin, *rest = deadline(dossier)
    return paragraph(str(begin)[:1].upper() + str(begin)[1:], *rest, ".")


def deadline(dossier: Dossier) -> list[Run]:
    """By when to decide, and what happens then."""
    state = dossier.state
    if state.hold:
        return [f"on hold by {person_name(dossier, state.hold.by)} since ", moment(state.hold.since)]
    if not state.soft:
        by = "answer by " if state.kind is Kind.QUESTION else "decide by "
        return [by, moment(state.ends_at), f", then {timeout_outcome(state)}"]
    at = goes_ahead_at(dossier)
    if at is None:
        counts = format_duration(dossier.terms.soft_timeout)
        return [f"goes ahead {counts} after a reviewer can see this card if nobody objects"]
    return ["goes ahead ", moment(at), " unless someone objects"]


def why_line(dossier: Dossier) -> Element:
    """The rule that tells most, and what is at stake. The other rules are in Details."""
    state, package = dossier.state, dossier.package
    reason = _reason(state)
    facts = [reason] if reason else []
    facts += [] if state.kind is Kind.QUESTION else _undoing(state, reason)
    facts += [f"cost {price_text(package.cost)}"] if package and package.cost else []
    return paragraph(bold("Why you: "), " · ".join(facts))


def _reason(state: PackageState) -> str:
    """The reason of the strictest rule. Short after an earlier No: `earlier_no` says who said no, and to what."""
    if why_silence_stopped(state):
        return f"{reason_phrase(state.why[0])}, so it needs an explicit approval"
    why = _strongest(state.why) if state.why else None
    if why is None:
        return ""
    return "someone said no before" if why.rule == Cause.EARLIER_NO else reason_phrase(why)


def _undoing(state: PackageState, reason: str) -> list[str]:
    """Reversibility, without what the reader already knows from the reason or from the risk beside the title."""
    undo = reversibility_sentence(state).lower()
    if "irreversible" not in reason:
        return [undo]
    grave = state.reversibility is Reversibility.IRREVERSIBLE_HIGH and state.risk >= RiskLevel.HIGH
    return [] if grave else [undo.removeprefix("irreversible, ")]


def _strongest(why: tuple[Why, ...]) -> Why:
    strictest = max(reason.level for reason in why)
    order = {rule: number for number, rule in enumerate(_MOST_TELLING_FIRST)}
    return min((reason for reason in why if reason.level is strictest), key=lambda why: order.get(why.rule, len(order)))


def progress(dossier: Dossier) -> Parts:
    """What to know before deciding: the exception, an earlier No, warnings, votes, escalation, assignee, Details."""
    sentences = " ".join(_progress_sentences(dossier))
    return (
        *allowance(dossier),
        *earlier_no(dossier),
        *requester_warnings(dossier),
        *((paragraph(sentences),) if sentences else ()),
    )


_SAID_NO = {
    Verb.REJECT: "rejected",
    Verb.OBJECT: "objected to",
    Verb.REVOKE: "revoked",
    Verb.CANCEL_WITH_THREAD: "cancelled a thread with",
    Verb.REVOKE_WITH_THREAD: "cancelled a thread with",
}


def earlier_no(dossier: Dossier) -> Parts:
    """The No to the same or a similar action that made the rules stricter for this package."""
    no = dossier.state.earlier_no
    if no is None:
        return ()
    said_no = _SAID_NO.get(no.verb, "said no to")
    return (paragraph(f"{person_name(dossier, no.by)} {said_no} {dossier.state.action_type} ", moment(no.at), "."),)


def requester_warnings(dossier: Dossier) -> Parts:
    """Warnings about requesters outside the directory and about a delegation chain that bars reviewers."""
    state, warnings = dossier.state, []
    if has_outsider(state.barred):
        warnings.append("Someone outside your directory requested this, so independence cannot be checked.")
    if any(why.rule == CHAIN_BARS for why in state.why):
        barred = people_names(dossier, barred_by_chain(state))
        where = "in packages of this thread" if Bar.NAMED_IN_THREAD in state.barred.values() else "in on_behalf_of"
        warnings.append(f"{agent_name(dossier)} names {barred} {where}, so they cannot approve this.")
    return tuple(paragraph(warning) for warning in warnings)


def _progress_sentences(dossier: Dossier) -> Iterator[str]:
    state = dossier.state
    if votes := quorum_progress(dossier, is_named=not dossier.hides_voters):
        yield votes
    if state.task.rung:
        yield escalation_sentence(dossier)
    if state.task.assigned_to:
        yield f"{person_name(dossier, state.task.assigned_to)} has taken this up."
    if dossier.terms.details_first and state.level is not HITLLevel.HUMAN_TAKEOVER:
        yield "Open Details before you approve."


def escalation_sentence(dossier: Dossier) -> str:
    """From which role to which, and why."""
    terms, task = dossier.state.terms, dossier.state.task
    roles = f"from {with_article(terms.role_at(0))} to {with_article(task.required_role)}"
    last = next((event for event in reversed(dossier.history) if event.event_type == EventType.PACKAGE_ESCALATED), None)
    if last is None:
        return f"Escalated {roles}."
    climbed = _CLIMBED.get(last.reason or "")
    return (
        f"Escalated {roles}: {climbed}." if climbed else f"{person_name(dossier, last.actor)} escalated this {roles}."
    )


_ENDED_BY_A_NO = (Status.REJECTED, Status.REVOKED)


def no_on_same_subject(dossier: Dossier) -> Parts:
    """The last No to the same action on the same subject, which changes no rule; nothing after an `earlier_no`."""
    refused = next((package for package in dossier.earlier_packages if package.status in _ENDED_BY_A_NO), None)
    if refused is None or dossier.state.earlier_no:
        return ()
    by = f" by {people_names(dossier, refused.by, 2)}" if refused.by else ""
    text = f"The same action on the same subject was {humanize(refused.status)}{by} "
    return (paragraph(text, moment(refused.at), "."),)


def missing_fields(state: PackageState) -> Parts:
    """Fields that the policy expects and the agent left empty."""
    if not state.warnings:
        return ()
    return (paragraph(f"⚠️ The agent says nothing about: {join_names(map(humanize, state.warnings))}."),)


def look_alikes(package: DecisionPackage) -> Parts:
    """Names in mixed alphabets, which can imitate other names."""
    names = (
        f"{field} “{shorten(name, _NAME)}”: {join_names(alphabets)}"
        for field, name, alphabets in mixed_alphabets(package)
    )
    return framed_list("⚠️ Mixed alphabets", names, _FEW, 2 * _NAME)


def verified_facts(dossier: Dossier) -> Block:
    """What the service has verified, as opposed to what it only quotes."""
    state = dossier.state
    owner, requester = person_name(dossier, state.owner), person_name(dossier, state.requester)
    parties = f"agent {agent_name(dossier)}, owner {owner}, requester {requester}, action type {state.action_type}"
    return plain_context(
        f"Countersign checked: {parties}.", "Quoted and boxed text comes from the agent and is unverified."
    )
