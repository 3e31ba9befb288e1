"""What the service itself knows: why a person is asked, where the package stands, and what was checked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from blocks.kit.elements import Block, Run, bold, bullets, context, moment, small, words
from blocks.kit.frame import Parts, aside, heading, listed, short
from blocks.kit.room import Measure
from blocks.kit.text import counted
from blocks.words.dossier import Dossier, Earlier
from blocks.words.revision import changes, made_by
from blocks.words.sentences import agent, because, hardened, joined, named, people, quorum_so_far
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
    """Why this takes a person: the strictest voices. What would have asked for less is only counted."""
    if not state.why:
        return ()
    strictest = max(why.level for why in state.why)
    voices = [why for why in state.why if why.level is strictest]
    said = bullets([bold(humanize(why.level).capitalize()), ": ", because(why)] for why in voices[:_FEW])
    return (heading("Why a person is asked"), said, *_unsaid(len(voices) - _FEW, len(state.why) - len(voices)))


def _unsaid(more: int, weaker: int) -> Parts:
    told = [counted(more, "more reason")] if more > 0 else []
    told += [counted(weaker, "weaker rule")] if weaker else []
    return (aside(f"{joined(told)} in Details."),) if told else ()


def course(dossier: Dossier, measure: Measure) -> Parts:
    """How it came to stand where it stands: silence stopped, rungs climbed, a new version, somebody at work on it."""
    new = changes(dossier, measure.less(60)) if dossier.state.version > 1 else ()
    return (*earlier_no(dossier), *behind(dossier), *(words(told) for told in _course(dossier)), *new)


_SAID_NO = {Verb.REJECT: "rejected", Verb.OBJECT: "objected to", Verb.REVOKE: "revoked"}


def earlier_no(dossier: Dossier) -> Parts:
    """Who said no to the same action or to a like one, and when."""
    no = dossier.state.earlier_no
    if no is None:
        return ()
    said = f"{named(dossier, no.by)} {_SAID_NO[no.verb]} {dossier.state.action_type} in {no.decision_package_id}"
    return (words(f"{said}, ", moment(no.at), ". An explicit approval is required."),)


def behind(dossier: Dossier) -> Parts:
    """What is not as usual about the people behind it: an outsider, or a chain that bars reviewers."""
    state, told = dossier.state, []
    if has_outsider(state.barred):
        told.append("Someone outside your directory is behind this: nobody can check who is independent of them.")
    if any(why.rule == CHAIN_BARS for why in state.why):
        barred = people(dossier, barred_by_chain(state))
        told.append(f"{agent(dossier)} names {barred} in on_behalf_of, so they cannot approve this.")
    return tuple(words(each) for each in told)


def _course(dossier: Dossier) -> Iterator[str]:
    state = dossier.state
    if told := hardened(state):
        yield told
    if state.task.rung:
        yield climbed(dossier)
    if state.version > 1:
        yield made_by(dossier)
    if state.task.assigned_to:
        yield f"{named(dossier, state.task.assigned_to)} has taken this up."
    if dossier.terms.details_first and state.level is not HITLLevel.HUMAN_TAKEOVER:
        yield "Open Details before you approve: at this risk that is asked of everybody."


def climbed(dossier: Dossier) -> str:
    """From whom to whom, and why."""
    terms, task = dossier.state.terms, dossier.state.task
    whom = f"Escalated from {with_article(terms.role_at(0))} to {with_article(task.required_role)}"
    last = next((one for one in reversed(dossier.history) if one.event_type == EventType.PACKAGE_ESCALATED), None)
    if last is None:
        return f"{whom}."
    return f"{whom}: {_CLIMBED.get(last.reason or '') or f'{named(dossier, last.actor)} escalated it'}."


def earlier(dossier: Dossier) -> Parts:
    """The last decisions on the same action and subject."""
    if not dossier.earlier:
        return ()
    said = bullets(_ended(dossier, one) for one in dossier.earlier[:_FEW])
    return (heading("Decided before, on the same action and subject"), said)


def _ended(dossier: Dossier, one: Earlier) -> list[Run]:
    by = f", by {people(dossier, one.by, 2)}" if one.by else ""
    return [bold(humanize(one.status).capitalize()), " ", moment(one.at), by]


def votes(dossier: Dossier) -> Parts:
    told = quorum_so_far(dossier)
    return (words(bold("So far: "), told),) if told else ()


def gaps(state: PackageState) -> tuple[Block, ...]:
    """What a reviewer would want to know and the agent left empty."""
    if not state.warnings:
        return ()
    return (context(f":warning: The agent says nothing about: {joined(map(humanize, state.warnings))}."),)


def look_alikes(package: DecisionPackage, measure: Measure) -> Parts:
    """Names that may be other ones than they seem."""
    found = (
        f"{where} “{short(name, measure.less(_NAME))}”: {joined(mix)}" for where, name, mix in mixed_alphabets(package)
    )
    return listed("⚠️ Mixed alphabets", found, _FEW, measure.less(2 * _NAME))


def checked(dossier: Dossier) -> Block:
    """What the service vouches for, apart from what it only passes on."""
    state = dossier.state
    who = f"agent {agent(dossier)}, owner {named(dossier, state.owner)}, requester {named(dossier, state.requester)}"
    digest = state.action_digest.removeprefix("sha256:")[:12]
    what = f"Action type {state.action_type}, version {state.version}, digest {digest}."
    how = f"Level {humanize(state.level)}, by policy {state.policy_version}."
    frames = "Countersign has not checked what stands beside a bar or in a box: others say it."
    return small(f"Countersign checked: {who}.", f"{what} {how}", frames)
