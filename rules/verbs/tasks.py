"""What people do around a decision: claim or assign its task, recuse themselves, comment, extend, wake, hand back.

Each function is the rule of a row in `rules.verbs.table`, called by `rules.verbs.decide` after the checks of that row.
None of them decides the package, except that it can be withdrawn or revoked. Pages, forms and cards that people saw
are recorded here too: approval depends on what its giver could read.
"""

from __future__ import annotations

from datetime import datetime

from rules.authority.assignment import check_assignee
from rules.authority.authorization import authorize, question_asked, question_of
from rules.authority.key_limits import check_recent
from rules.authority.looks import check_look
from rules.authority.silence import update_shown
from rules.authority.standards import Standard
from rules.authority.visibility import may_see
from rules.people.directory import ActorKind, ReviewerAuthorization
from rules.reasons import Reason, Refusal, refuse
from rules.state.agent_commands import Say
from rules.state.changes import StateChanges
from rules.state.commands import (
    Assign,
    Audience,
    ClaimTask,
    Comment,
    Extend,
    HandBack,
    Judge,
    OpenDetails,
    OpenForm,
    Recuse,
    Revoke,
    Verdict,
    Wake,
    Withdraw,
)
from rules.state.decisions import OPERATOR, Basis, ExecutionState, Seat
from rules.state.events import Cause, EventType
from rules.state.model import Bar, PackageState, Status
from rules.state.service_commands import RecordMails, Show
from rules.state.sightings import Details, FormStep
from rules.state.situation import Conversation
from rules.state.terms import restart_task, timing_until
from rules.state.transition import Move, Transition, Words
from rules.verbs.absences import climb_if_nobody_is_left, cover_absences
from rules.verbs.decisions import check_new_time, seat_of_actor
from rules.verbs.execution import counted_as_failure, decided_by_people, update_autonomy, was_edited
from rules.verbs.settling import settle


def recuse(move: Move, command: Recuse) -> Transition | Refusal:
    """Step aside, which voids one's own vote. If nobody is left, ask the next rung at once."""
    user_id = move.situation.actor.actor_id
    if move.state.barred.get(user_id) is Bar.RECUSED:
        return refuse(Reason.IS_RECUSED)
    task = move.state.task
    is_assignee = task.assigned_to == user_id
    move.record(
        EventType.TASK_RECUSED,
        {
            "barred": move.state.barred | {user_id: move.state.barred.get(user_id, Bar.RECUSED)},
            "votes": tuple(vote for vote in move.state.votes if vote.reviewer_id != user_id),
            "task": task.model_copy(update={"assigned_to": None}) if is_assignee else task,
        },
        words={"comment": command.comment},
    )
    return climb_if_nobody_is_left(move).build()


def claim_task(move: Move, command: ClaimTask) -> Transition | Refusal:
    assignee = move.state.task.assigned_to
    if assignee not in (None, move.situation.actor.actor_id):
        return refuse(Reason.TASK_CLAIMED, assignee=assignee)
    return _assign_to(move, EventType.TASK_CLAIMED, move.situation.actor.actor_id, command).build()


def assign(move: Move, command: Assign) -> Transition | Refusal:
    """Assign the task to someone who could decide. If they are away, it goes on to their stand-in."""
    question = question_of(move.state, move.situation.policy)
    if refusal := check_assignee(command.assignee, question, move.situation):
        return refusal
    return cover_absences(_assign_to(move, EventType.TASK_ASSIGNED, command.assignee, command)).build()


def _assign_to(move: Move, event_type: EventType, assignee: str, command: ClaimTask | Assign) -> Move:
    # The new assignee has the task in their own right, not as a stand-in.
    task = move.state.task.model_copy(update={"assigned_to": assignee, "stands_in_for": None})
    return move.record(event_type, {"task": task}, words={"comment": command.comment})


def extend(move: Move, command: Extend) -> Transition | Refusal:
    """Make the deadline later, never earlier. Refused while silence counts: another deadline would not stop it.

    The deadline belongs to the role that is asked now. Earlier roles may still decide, but not make it wait longer.
    """
    if move.state.soft:
        return refuse(Reason.SILENCE_COUNTS)
    if not _is_asked(move):
        return refuse(Reason.NOT_YOUR_DEADLINE, role=move.state.task.required_role)
    if command.until <= move.state.task.due_at:
        return refuse(Reason.TIME_NOT_AHEAD, of="the present deadline")
    if refusal := check_new_time(move.state, command.until, move.situation):
        return refusal
    state, now = move.state, move.situation.now
    task = state.task.model_copy(update=timing_until(state.terms, command.until, now, state.expires_at))
    return move.record(EventType.TASK_EXTENDED, {"task": task}, words={"comment": command.comment}).build()


def _is_asked(move: Move) -> bool:
    situation, question = move.situation, question_asked(move.state)
    able = authorize(situation.roster, situation.actor.actor_id, Standard.PROCEED, question, situation.now)
    return isinstance(able, ReviewerAuthorization)


def wake(move: Move, command: Wake) -> Transition:
    return return_to_queue(move, Cause.WOKEN, {"comment": command.comment})


def return_to_queue(move: Move, cause: Cause, words: Words | None = None) -> Transition:
    """Put a deferred package back into the queue with its full time."""
    state, now = move.state, move.situation.now
    task = restart_task(state.task, state.terms, move.situation.policy, now, state.expires_at)
    changes: StateChanges = {
        "status": Status.PENDING,
        "decision": None,
        "wake_at": None,
        "asked_at": now,
        "task": task,
        "shown": None,
    }
    return cover_absences(move.record(EventType.PACKAGE_PENDING, changes, reason=cause, words=words)).build()


def withdraw(move: Move, command: Withdraw) -> Transition:
    """Cancel the package. A repeated withdrawal changes nothing, so an agent that lost the reply may send it again."""
    if move.state.status is Status.CANCELLED:
        return move.build()
    words: Words = {"comment": command.comment}
    return settle(move, Status.CANCELLED, None, Basis.HUMAN, reason=Cause.WITHDRAWN, words=words).build()


def hand_back(move: Move, command: HandBack) -> Transition | Refusal:
    """Give the thread back to the agent. If nobody took over, anyone who could have may do it."""
    state, situation, user_id = move.state, move.situation, move.situation.actor.actor_id
    if not state.holds_thread:
        return refuse(Reason.NOT_IN_THIS_STATE, status="handed back", verb=command.verb)
    takers = [seat.reviewer_id for seat in state.decision.reviewers] if state.decision else []
    if user_id not in (*takers, *situation.policy.admins):
        if takers:
            return refuse(Reason.NOT_YOURS_TO_HAND_BACK, by=state.decided_by())
        question = question_of(state, situation.policy)
        able = authorize(situation.roster, user_id, Standard.TAKE_OVER, question, situation.now)
        if isinstance(able, Refusal):
            return able
    return move.record(
        EventType.THREAD_HANDED_BACK, {"holds_thread": False}, words={"comment": command.comment}
    ).build()


def revoke(move: Move, command: Revoke) -> Transition | Refusal:
    """Revoke a permission that the agent has not claimed yet, or an exception. Operators revoke only these."""
    execution, by_operator = move.state.execution, move.situation.actor.kind is ActorKind.AUTO
    granted = move.state.is_granted_exception or (move.state.proceeds and not by_operator)
    if not granted or execution.state is ExecutionState.LAPSED:
        return refuse(Reason.NOT_IN_THIS_STATE, status=move.state.status, verb=command.verb)
    if execution.state is not ExecutionState.NONE:
        return refuse(Reason.ALREADY_CLAIMED, claim_id=execution.claim_id)
    words: Words = {"comment": command.comment, **({"operator": command.operator} if by_operator else {})}
    seat = Seat(reviewer_id=move.situation.actor.actor_id, role=OPERATOR) if by_operator else seat_of_actor(move)
    noes: StateChanges = {"noes": (*move.state.noes, move.make_no())}
    return settle(move, Status.REVOKED, None, Basis.HUMAN, reviewers=(seat,), words=words, changes=noes).build()


def judge(move: Move, command: Judge) -> Transition | Refusal:
    """Review a sampled package afterwards."""
    state = move.state
    if not state.sampled or (state.look and state.look.judge != move.situation.actor.actor_id):
        return refuse(Reason.NOT_SAMPLED)
    if state.verdict is not None:
        return refuse(Reason.ALREADY_JUDGED, verdict=state.verdict)
    if state.decision and move.situation.actor.actor_id in (seat.reviewer_id for seat in state.decision.reviewers):
        return refuse(Reason.ALREADY_COUNTED)
    if state.look and (refusal := check_look(state, command.comment)):
        return refusal
    words: Words = {"comment": command.comment}
    move.record(EventType.REVIEW_JUDGED, {"verdict": command.verdict}, outcome=command.verdict, words=words)
    is_sound = command.verdict is Verdict.SOUND
    counts = _earns_autonomy(state) if is_sound else _costs_autonomy(state)
    return update_autonomy(move, success=is_sound) if counts else move.build()


def _earns_autonomy(state: PackageState) -> bool:
    """Whether a sound verdict is a success of the agent: it acted by itself, without a person and an exception."""
    unattended = not decided_by_people(state) and not state.exception_uses
    return unattended and state.execution.state is ExecutionState.SUCCEEDED


def _costs_autonomy(state: PackageState) -> bool:
    """Whether an unsound verdict is a failure of the agent: it counts once, and not for what a reviewer edited."""
    is_of_agent = not decided_by_people(state) or (state.look is not None and not was_edited(state))
    return is_of_agent and not counted_as_failure(state)


def open_details(move: Move, command: OpenDetails) -> Transition | Refusal:
    """Record an opened page of Details. Allowed from the card, from another open page, or to those who may see it."""
    state, situation, user_id = move.state, move.situation, move.situation.actor.actor_id
    is_turning_pages = any(seen.reviewer_id == user_id and seen.version == state.version for seen in state.details)
    if not (command.from_card or is_turning_pages or may_see(situation.roster, state, user_id, situation.now)):
        return refuse(Reason.NOT_VISIBLE, package=state.decision_package_id)
    seen = Details(reviewer_id=user_id, version=state.version, page=command.page, of=command.of)
    if seen in state.details:
        return move.build()
    return move.record(EventType.PACKAGE_DETAILS_OPENED, {"details": (*state.details, seen)}).build()


def open_form(move: Move, command: OpenForm) -> Transition:
    """Record an opened step of a form. A step that is opened again replaces its earlier rendering."""
    state, user_id = move.state, move.situation.actor.actor_id
    seen = FormStep(
        reviewer_id=user_id,
        version=state.version,
        page=command.page,
        of=command.of,
        rendering_id=command.rendering_id,
    )
    if seen in state.forms:
        return move.build()
    other_steps = (step for step in state.forms if (step.reviewer_id, step.page) != (user_id, command.page))
    return move.record(
        EventType.PACKAGE_FORM_OPENED, {"forms": (*other_steps, seen)}, words={"shown": command.shown}
    ).build()


def show(move: Move, command: Show) -> Transition:
    """Record that eligible people can see this card: silence counts from then. The same proof again changes nothing."""
    state = move.state
    if command.package_version != state.version:
        return move.record(EventType.PACKAGE_SHOWN, reason=Cause.OLDER_VERSION).build()
    shown = update_shown(state, command, move.situation)
    is_seen = shown is not None and any(card.location == command.location for card in shown.cards)
    if is_seen and shown == state.shown:
        return move.build()
    changes: StateChanges = {"shown": shown} if shown != state.shown else {}
    return move.record(
        EventType.PACKAGE_SHOWN, changes, reason=Cause.SEEN_BY_ELIGIBLE if is_seen else Cause.SEEN_BY_NOBODY_ELIGIBLE
    ).build()


def record_mails(move: Move, _: RecordMails) -> Transition:
    """Record who was told by e-mail since the last time. The state keeps only these; the events keep them all."""
    mails, revision = move.situation.mails, move.state.revision + 1
    if not mails:
        return move.build()
    mailed = tuple(mail.model_copy(update={"revision": revision}) for mail in mails)
    return move.record(EventType.PACKAGE_MAILED, {"mailed": mailed}).build()


# Messages between the people who read a package and its agent. They decide nothing, so they are taken in any status.
# Every message is an event of its own type, with its text in the content of that event. The state only counts them.

# People read these, so an agent may say less than it may propose: a card's thread stays readable.
MAX_ABOUT_ONE, MAX_IN_ALL = 10, 60  # messages a minute


def comment(move: Move, command: Comment) -> Transition:
    if command.audience is Audience.AGENT:
        return _send(move, command.comment)
    return move.record(EventType.HUMAN_COMMENTED, words={"comment": command.comment}).build()


def say(move: Move, command: Say) -> Transition | Refusal:
    """Also after the decision: an agent may answer a question that came before it."""
    situation, conversation = move.situation, move.situation.conversation
    if situation.agent is None or not situation.agent.may_act:
        return refuse(Reason.AGENT_PAUSED)
    if limited := _check_rates(conversation, situation.now):
        return limited
    if command.in_reply_to and not conversation.reply_target_exists:
        return refuse(Reason.UNKNOWN_MESSAGE, message=command.in_reply_to)
    return _send(move, command.text, command.in_reply_to)


def _check_rates(conversation: Conversation, now: datetime) -> Refusal | None:
    about_one = f"An agent may send {MAX_ABOUT_ONE} messages a minute about one package."
    in_all = f"An agent may send {MAX_IN_ALL} messages a minute in all."
    return check_recent(conversation.here, MAX_ABOUT_ONE, about_one, now) or check_recent(
        conversation.everywhere, MAX_IN_ALL, in_all, now
    )


def _send(move: Move, text: str, in_reply_to: str | None = None) -> Transition:
    return move.record(
        EventType.PACKAGE_MESSAGE,
        {"message_count": move.state.message_count + 1},
        words={"text": text, "in_reply_to": in_reply_to},
    ).build()
