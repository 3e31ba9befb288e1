"""The parts of a card that the service itself vouches for: reasons, progress, earlier decisions, checked facts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from blocks.kit.elements import Block, Run, bold, bullets, context, moment, plain_context, words
from blocks.kit.frame import Parts, aside, framed_list, heading, shorten
from blocks.kit.room import Measure
from blocks.kit.text import pluralize
from blocks.words.dossier import Dossier, EarlierPackage
from blocks.words.revision import changes, version_author
from blocks.words.sentences import (
    agent_name,
    join_names,
    people_names,
    person_name,
    quorum_progress,
    reason_sentence,
    why_silence_stopped,
)
from rules.authority.parties import CHAIN_BARS, barred_by_chain, has_outsider
from rules.package.alphabets import mixed_alphabets
from rules.package.model import DecisionPackage
from rules.scales import HITLLevel
from rules.state.commands import Verb
from rules.state.events import Cause, EventType
from rules.state.model import PackageState
from rules.wording import humanize, with_article

_FEW = 4
_NAME = 40
_CLIMBED: Mapping[str, str] = {
    Cause.TIMEOUT: "nobody answered in time",
    Cause.NOBODY_LEFT: "nobody who was asked can decide it any more",
}


def reasons(state: PackageState) -> Parts:
    """The rules that require the strictest level. Weaker rules are only counted."""
    if not state.why:
        return ()
    strictest = max(why.level for why in state.why)
    shown = [why for why in state.why if why.level is strictest]
    lines = bullets([bold(humanize(why.level).capitalize()), ": ", reason_sentence(why)] for why in shown[:_FEW])
    return (heading("Why a person is asked"), lines, *_left_out(len(shown) - _FEW, len(state.why) - len(shown)))


def _left_out(more: int, weaker: int) -> Parts:
    left_out = [pluralize(more, "more reason")] if more > 0 else []
    left_out += [pluralize(weaker, "weaker rule")] if weaker else []
    return (aside(f"{join_names(left_out)} in Details."),) if left_out else ()


def progress(dossier: Dossier, measure: Measure) -> Parts:
    """What happened so far: earlier objections, escalations, new versions, the current assignee."""
    changed = changes(dossier, measure.support(60)) if dossier.state.version > 1 else ()
    return (
        *earlier_objection(dossier),
        *requester_warnings(dossier),
        *(words(sentence) for sentence in _progress_sentences(dossier)),
        *changed,
    )


_SAID_NO = {Verb.REJECT: "rejected", Verb.OBJECT: "objected to", Verb.REVOKE: "revoked"}


def earlier_objection(dossier: Dossier) -> Parts:
    """Who rejected, objected to or revoked the same or a similar action, and when."""
    objection = dossier.state.earlier_no
    if objection is None:
        return ()
    did = f"{person_name(dossier, objection.by)} {_SAID_NO[objection.verb]} {dossier.state.action_type}"
    return (
        words(
            f"{did} in {objection.decision_package_id}, ", moment(objection.at), ". An explicit approval is required."
        ),
    )


def requester_warnings(dossier: Dossier) -> Parts:
    """Warnings about requesters outside the directory and about a delegation chain that bars reviewers."""
    state, warnings = dossier.state, []
    if has_outsider(state.barred):
        warnings.append("Someone outside your directory requested this, so independence cannot be checked.")
    if any(why.rule == CHAIN_BARS for why in state.why):
        barred = people_names(dossier, barred_by_chain(state))
        warnings.append(f"{agent_name(dossier)} names {barred} in on_behalf_of, so they cannot approve this.")
    return tuple(words(warning) for warning in warnings)


def _progress_sentences(dossier: Dossier) -> Iterator[str]:
    state = dossier.state
    if sentence := why_silence_stopped(state):
        yield sentence
    if state.task.rung:
        yield escalation_sentence(dossier)
    if state.version > 1:
        yield version_author(dossier)
    if state.task.assigned_to:
        yield f"{person_name(dossier, state.task.assigned_to)} has taken this up."
    if dossier.terms.details_first and state.level is not HITLLevel.HUMAN_TAKEOVER:
        yield "Open Details before you approve."


def escalation_sentence(dossier: Dossier) -> str:
    """From which role to which, and why."""
    terms, task = dossier.state.terms, dossier.state.task
    roles = f"Escalated from {with_article(terms.role_at(0))} to {with_article(task.required_role)}"
    last = next((event for event in reversed(dossier.history) if event.event_type == EventType.PACKAGE_ESCALATED), None)
    if last is None:
        return f"{roles}."
    return f"{roles}: {_CLIMBED.get(last.reason or '') or f'{person_name(dossier, last.actor)} escalated it'}."


def earlier_decisions(dossier: Dossier) -> Parts:
    """How the last packages with the same action and subject ended."""
    if not dossier.earlier_packages:
        return ()
    lines = bullets(_package_line(dossier, package) for package in dossier.earlier_packages[:_FEW])
    return (heading("Earlier decisions on the same action and subject"), lines)


def _package_line(dossier: Dossier, package: EarlierPackage) -> list[Run]:
    by = f", by {people_names(dossier, package.by, 2)}" if package.by else ""
    return [bold(humanize(package.status).capitalize()), " ", moment(package.at), by]


def votes_so_far(dossier: Dossier) -> Parts:
    quorum = quorum_progress(dossier)
    return (words(bold("So far: "), quorum),) if quorum else ()


def missing_fields(state: PackageState) -> tuple[Block, ...]:
    """Fields that the policy expects and the agent left empty."""
    if not state.warnings:
        return ()
    return (context(f":warning: The agent says nothing about: {join_names(map(humanize, state.warnings))}."),)


def look_alikes(package: DecisionPackage, measure: Measure) -> Parts:
    """Names in mixed alphabets, which can imitate other names."""
    names = (
        f"{field} “{shorten(name, measure.support(_NAME))}”: {join_names(alphabets)}"
        for field, name, alphabets in mixed_alphabets(package)
    )
    return framed_list("⚠️ Mixed alphabets", names, _FEW, measure.support(2 * _NAME))


def verified_facts(dossier: Dossier) -> Block:
    """What the service has verified, as opposed to what it only quotes."""
    state = dossier.state
    owner, requester = person_name(dossier, state.owner), person_name(dossier, state.requester)
    parties = f"agent {agent_name(dossier)}, owner {owner}, requester {requester}"
    digest = state.action_digest.removeprefix("sha256:")[:12]
    action = f"Action type {state.action_type}, version {state.version}, digest {digest}."
    level = f"Level {humanize(state.level)}, by policy {state.policy_version}."
    caveat = "Quoted and boxed text comes from the agent and is unverified."
    return plain_context(f"Countersign checked: {parties}.", f"{action} {level}", caveat)
