"""The sections of Details that the service itself vouches for: level, terms, votes, earlier decisions, ids.

The agent's own words are in `blocks.details.agent`. `blocks.details.details` gives each section its place.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from blocks.card.exceptions import allowance
from blocks.card.facts import missing_fields
from blocks.kit.elements import Block, Run, bold, bullets, code, moment, paragraph, rich
from blocks.kit.passages import line_blocks
from blocks.kit.text import format_duration
from blocks.words.dossier import Dossier, EarlierPackage
from blocks.words.sentences import (
    join_names,
    people_names,
    person_name,
    quorum_progress,
    quorum_sentence,
    reason_sentence,
    reversibility_sentence,
    risk_label,
    timeout_outcome,
)
from rules.authority.ladder import kept_sentence
from rules.scales import HITLLevel
from rules.state.decisions import ExecutionState, Vote
from rules.state.model import Bar, PackageState, Status, Terms
from rules.wording import humanize, with_article

_BARRED = {
    Bar.REQUESTER: "asked for this",
    Bar.DELEGATION_CHAIN: "is on the chain on whose behalf this is done",
    Bar.OWNER: "owns the agent",
    Bar.EARLIER_IN_THREAD: "had a part in this thread before it was handed over",
    Bar.NAMED_IN_THREAD: "was named in an earlier package of this thread",
    Bar.EDITOR: "edited this version",
    Bar.RECUSED: "stepped aside",
}


def _nobody_asked(state: PackageState) -> bool:
    return state.level <= HITLLevel.NOTIFY_ONLY


def level_heading(state: PackageState) -> str:
    """Heading of the section of `level_blocks`."""
    if _nobody_asked(state):
        return "Why nobody was asked"
    return "Why a person was asked" if state.status.terminal else "Why a person is asked"


def terms_heading(state: PackageState) -> str:
    """Heading of the section of `terms_blocks`."""
    return "Who was asked" if state.status.terminal else "Who decides"


def level_blocks(dossier: Dossier) -> Iterator[Block]:
    """The recorded reasons for the level; the strictest rule wins."""
    state = dossier.state
    yield rich(
        paragraph(bold(f"{humanize(state.level).capitalize()}, {risk_label(state)}. "), reversibility_sentence(state))
    )
    yield rich(
        bullets([f"{humanize(why.level).capitalize()}: {reason_sentence(why)} ", code(why.rule)] for why in state.why)
    )
    if no := state.earlier_no:
        yield rich(paragraph("The earlier no: ", code(no.decision_package_id), " · ", moment(no.at)))
    yield from (rich(line) for line in (*allowance(dossier), *missing_fields(state)))


def terms_blocks(dossier: Dossier) -> Iterator[Block]:
    """Who must approve, by when, and what happens otherwise. In the past tense if the package is closed."""
    state = dossier.state
    yield rich(bullets([*_terms(dossier), *_times(dossier)]))
    if state.barred and not _nobody_asked(state):
        rows = ([person_name(dossier, who), f" {_BARRED[bar]}"] for who, bar in state.barred.items())
        might = "Could" if state.status.terminal else "May"
        yield rich(paragraph(bold(f"{might} not approve it:")), bullets(rows))


def _terms(dossier: Dossier) -> Iterator[list[Run]]:
    state = dossier.state
    if _nobody_asked(state):
        yield ["Nobody: the policy allowed it."]
    elif state.status.terminal:
        yield _role("Asked last", dossier)
        yield [quorum_sentence(dossier, "Needed") or "One person was enough."]
        yield from _assignee(dossier)
    else:
        yield _role("Asked now" if state.status is Status.PENDING else "Asked next", dossier)
        yield [quorum_sentence(dossier) or "One person is enough."]
        yield from _assignee(dossier)
        yield from _requirements(dossier.terms)
        yield from _timers(dossier)


def _role(label: str, dossier: Dossier) -> list[Run]:
    terms, task = dossier.terms, dossier.state.task
    roles = " → ".join(map(humanize, (terms.role, *terms.ladder)))
    kept = kept_sentence(dossier.state, terms)
    step = f" (step {task.rung + 1} of: {roles})"
    return [f"{label}: ", bold(humanize(task.required_role)), f"{step}. {kept}" if kept else step]


def _assignee(dossier: Dossier) -> Iterator[list[Run]]:
    if who := dossier.state.task.assigned_to:
        yield ["Taken up by ", person_name(dossier, who)]


def _requirements(terms: Terms) -> Iterator[list[Run]]:
    if terms.comment_required:
        yield ["An approval needs a comment."]
    if terms.details_first:
        yield ["Approvers must open Details first."]


def _timers(dossier: Dossier) -> Iterator[list[Run]]:
    state, terms = dossier.state, dossier.terms
    if state.soft:
        yield [f"Silence is consent once a reviewer could see this for {format_duration(terms.soft_timeout)}."]
    hours = " of its working hours" if terms.timeout_in_working_hours else ""
    timeout = format_duration(terms.hard_timeout)
    then = f" If nobody decides in time, {timeout_outcome(state)}." if _is_timeout_told_here(state) else ""
    yield [f"Each role has {timeout}{hours}.{then}"]
    if terms.reminders:
        yield [f"Reminders: {join_names(format_duration(ahead) for ahead in terms.reminders)} before the end."]
    yield [f"Unused approvals expire after {format_duration(terms.approval_expiry)}."]


def _is_timeout_told_here(state: PackageState) -> bool:
    """The first lines of Details say the deadline of a pending hard package, and what happens then."""
    return state.soft or state.status is not Status.PENDING


def _times(dossier: Dossier) -> Iterator[list[Run]]:
    for name, at in _moments(dossier):
        yield [f"{name}: ", moment(at)]


def _moments(dossier: Dossier) -> Iterator[tuple[str, datetime]]:
    """Times that the first lines of Details do not say."""
    state, execution = dossier.state, dossier.state.execution
    open_deadline = state.task.due_at if _is_timeout_told_here(state) and not state.hold else None
    labelled_times = (
        ("Received", state.created_at),
        ("Reviewers can see the card since", state.shown.at if state.shown else None),
        ("This role's deadline", None if state.status.terminal else open_deadline),
        ("The agent's own deadline", state.expires_at),
        ("The agent began", execution.claimed_at),
        ("The outcome is due", state.outcome_by),
        ("Outcome unknown since", execution.reported_at if execution.state is ExecutionState.UNKNOWN else None),
        ("Expired unused", execution.reported_at if execution.state is ExecutionState.LAPSED else None),
    )
    return ((name, at) for name, at in labelled_times if at is not None)


def vote_blocks(dossier: Dossier) -> Iterator[Block]:
    """All votes on this version, and whether they still count. The first lines of Details say what they came to."""
    votes = dossier.state.votes
    if votes:
        yield rich(bullets(_vote(dossier, vote) for vote in votes))
    if progress := quorum_progress(dossier):
        yield rich(paragraph(progress))


def _vote(dossier: Dossier, vote: Vote) -> list[Run]:
    choice = humanize(vote.override_decision or vote.decision)
    void = "" if vote in dossier.tally.votes else ", which does not count any more"
    who = f"{person_name(dossier, vote.reviewer_id)}, as {with_article(vote.role)}: "
    return [who, bold(choice), f", on version {vote.version}{void} · ", moment(vote.at)]


def earlier_decision_blocks(dossier: Dossier) -> Iterator[Block]:
    """How earlier packages with the same action and subject ended."""
    if dossier.earlier_packages:
        yield rich(bullets(_package_line(dossier, package) for package in dossier.earlier_packages))


def _package_line(dossier: Dossier, package: EarlierPackage) -> list[Run]:
    by = f" by {people_names(dossier, package.by)}" if package.by else ""
    return [code(package.package_id), f": {humanize(package.status)}{by} · ", moment(package.at)]


def id_blocks(dossier: Dossier) -> Iterator[Block]:
    """The ids of the package, its state and this rendering, as text to copy."""
    state = dossier.state
    labelled_ids = (
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
    yield from line_blocks("To copy", [(name, value) for name, value in labelled_ids if value])
