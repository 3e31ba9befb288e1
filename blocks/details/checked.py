"""What Countersign itself knows of a package, in full: why it takes this much human, who decides, and who has."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from blocks.card.facts import gaps
from blocks.kit.elements import Block, Run, bold, bullets, code, moment, rich, words
from blocks.kit.passages import lines
from blocks.kit.text import span
from blocks.words.dossier import Dossier, Earlier
from blocks.words.sentences import because, if_nobody, joined, named, people, quorum_asked, quorum_so_far, risk, undoing
from rules.scales import HITLLevel
from rules.state.model import Bar, Basis, Decision, PackageState, Status, Terms, Vote
from rules.wording import humanize, with_article

_BARRED = {
    Bar.REQUESTER: "asked for this",
    Bar.DELEGATION_CHAIN: "is on the chain on whose behalf this is done",
    Bar.OWNER: "owns the agent",
    Bar.EDITOR: "edited this version",
    Bar.RECUSED: "stepped aside",
}


def _let_pass(state: PackageState) -> bool:
    return state.level <= HITLLevel.NOTIFY_ONLY


def why_asked(state: PackageState) -> str:
    """The heading of `level`."""
    if _let_pass(state):
        return "Why nobody was asked"
    return "Why it took a person" if state.status.terminal else "Why it takes a person"


def who_is_asked(state: PackageState) -> str:
    """The heading of `terms`."""
    return "Who was asked" if state.status.terminal else "Who decides"


def level(dossier: Dossier) -> Iterator[Block]:
    """Every rule that fired, the strictest of which holds."""
    state = dossier.state
    yield rich(words(bold(f"{humanize(state.level).capitalize()}, {risk(state)}. "), undoing(state)))
    yield rich(bullets([code(why.rule), f" asks for {humanize(why.level)}: ", because(why)] for why in state.why))
    yield from gaps(state)


def terms(dossier: Dossier) -> Iterator[Block]:
    """Who has to say yes, by when, and what becomes of it otherwise; of what is over, who had to."""
    state = dossier.state
    yield rich(bullets([*_terms(dossier), *_times(dossier)]))
    if state.barred and not _let_pass(state):
        rows = ([named(dossier, who), f" {_BARRED[bar]}"] for who, bar in state.barred.items())
        might = "Could" if state.status.terminal else "May"
        yield rich(words(bold(f"{might} not approve it:")), bullets(rows))


def _terms(dossier: Dossier) -> Iterator[list[Run]]:
    state = dossier.state
    if _let_pass(state):
        yield ["Nobody: the policy let it pass."]
    elif state.status.terminal:
        yield _role("Asked last", dossier)
        yield [quorum_asked(dossier, "took") or "One person was enough."]
        yield from _taken_up(dossier)
    else:
        yield _role("Asked now" if state.status is Status.PENDING else "Asked next", dossier)
        yield [quorum_asked(dossier) or "One person is enough."]
        yield from _taken_up(dossier)
        yield from _demands(dossier.terms)
        yield from _timers(dossier)


def _role(asked: str, dossier: Dossier) -> list[Run]:
    its, task = dossier.terms, dossier.state.task
    roles = " → ".join(map(humanize, (its.role, *its.ladder)))
    return [f"{asked}: ", bold(humanize(task.required_role)), f" (step {task.rung + 1} of: {roles})"]


def _taken_up(dossier: Dossier) -> Iterator[list[Run]]:
    if who := dossier.state.task.assigned_to:
        yield ["Taken up by ", named(dossier, who)]


def _demands(its: Terms) -> Iterator[list[Run]]:
    if its.comment_required:
        yield ["An approval needs a comment."]
    if its.details_first:
        yield ["Whoever approves it has to open Details first."]


def _timers(dossier: Dossier) -> Iterator[list[Run]]:
    state, its = dossier.state, dossier.terms
    if state.soft:
        yield [f"Silence counts as consent after {span(its.soft_timeout)} in sight of a reviewer."]
    hours = " of its working hours" if its.timeout_in_working_hours else ""
    yield [f"Each role has {span(its.hard_timeout)}{hours}. If nobody decides in time, {if_nobody(state)}."]
    if its.reminders:
        yield [f"Reminders: {joined(span(ahead) for ahead in its.reminders)} before the end."]
    yield [f"An approval that is not used lapses after {span(its.approval_expiry)}."]


def _times(dossier: Dossier) -> Iterator[list[Run]]:
    for name, at in _moments(dossier):
        yield [f"{name}: ", moment(at)]


def _moments(dossier: Dossier) -> Iterator[tuple[str, datetime]]:
    state = dossier.state
    known = (
        ("Came in", state.created_at),
        ("Reviewers can see the card since", state.shown.at if state.shown else None),
        ("This role's time ends", None if state.status.terminal else state.task.due_at),
        ("The agent has until", state.answer_by),
        ("It comes back", state.wake_at),
        ("The agent itself gives up", state.expires_at),
        ("Decided", state.decision.decided_at if state.decision else None),
        ("The approval lapses", state.lapses_at),
        ("The agent began", state.execution.claimed_at),
        ("The outcome is expected by", state.outcome_by),
        ("The outcome was noted", state.execution.reported_at),
    )
    return ((name, at) for name, at in known if at is not None)


def votes(dossier: Dossier) -> Iterator[Block]:
    """Everybody who has spoken on this version, and whether it would count if it were given now."""
    given = dossier.state.votes
    if given:
        yield rich(bullets(_vote(dossier, vote) for vote in given))
    if so_far := quorum_so_far(dossier):
        yield rich(words(so_far))
    if dossier.state.decision:
        yield rich(words(*_decision(dossier, dossier.state.decision)))


def _vote(dossier: Dossier, vote: Vote) -> list[Run]:
    said = humanize(vote.override_decision or vote.decision)
    void = "" if vote in dossier.tally.votes else ", which does not count any more"
    who = f"{named(dossier, vote.reviewer_id)}, as {with_article(vote.role)}: "
    return [who, bold(said), f", on version {vote.version}{void} · ", moment(vote.at)]


def _decision(dossier: Dossier, made: Decision) -> Iterator[Run]:
    if made.basis is Basis.POLICY:
        yield "The policy let it pass."
        return
    yield "It came to: "
    yield bold(humanize(dossier.state.status))
    seats = [f"{named(dossier, seat.reviewer_id)} as {with_article(seat.role)}" for seat in made.reviewers]
    yield f", by {joined(seats)}" if seats else ""
    latency = span(timedelta(milliseconds=made.latency_ms))
    yield f", on the basis of {humanize(made.basis)}, {latency} after it was asked"


def earlier(dossier: Dossier) -> Iterator[Block]:
    """How the same action about the same subject ended before."""
    if dossier.earlier:
        yield rich(bullets(_ended(dossier, one) for one in dossier.earlier))


def _ended(dossier: Dossier, one: Earlier) -> list[Run]:
    by = f", by {people(dossier, one.by)}" if one.by else ""
    return [code(one.package_id), f" was {humanize(one.status)}{by} · ", moment(one.at)]


def ids(dossier: Dossier) -> Iterator[Block]:
    """To copy."""
    state = dossier.state
    known = (
        ("package", state.decision_package_id),
        ("version", str(state.version)),
        ("revision", str(state.revision)),
        ("action digest", state.action_digest),
        ("policy", state.policy_version),
        ("interrupt", state.interrupt_id),
        ("review task", state.task.review_task_id),
        ("agent", state.agent_id),
        ("workspace", state.tenant_id),
        ("rendering", dossier.rendering_id),
        ("execution", humanize(state.execution.state)),
        ("claim", state.execution.claim_id),
    )
    yield from lines("To copy", [(name, value) for name, value in known if value])
