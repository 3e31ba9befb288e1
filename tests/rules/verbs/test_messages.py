"""Messages between people and the agent of a package: who reads them, when they are taken, and how many."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from rules.reasons import Reason, Refusal
from rules.state.agent_commands import ClaimExecution, Say
from rules.state.commands import Approve, Audience, Comment, Reject
from rules.state.events import EventType
from rules.state.model import PackageState, Status
from rules.state.situation import Conversation
from rules.verbs.decide import decide
from rules.verbs.tasks import MAX_ABOUT_ONE, MAX_IN_ALL
from tests.rules.world import (
    AGENT,
    HARD,
    NOW,
    OWEN,
    ROSE,
    SENTA,
    after,
    agent,
    approved_state,
    ask,
    claimed_state,
    refusal,
    situation,
    submitted_state,
    transition_of,
)

SECOND = timedelta(seconds=1)


def times(count: int, ago: timedelta = SECOND) -> tuple[datetime, ...]:
    return tuple(NOW - ago for _ in range(count))


def test_a_comment_for_the_agent_is_a_message_with_its_text_beside_the_chain() -> None:
    state = submitted_state(HARD)
    done = transition_of(state, ask(Comment, state, comment="Which order?", audience=Audience.AGENT), by=SENTA)
    [sent] = done.occurrences
    assert (sent.event_type, sent.actor.actor_id) == (EventType.PACKAGE_MESSAGE, SENTA)
    assert sent.words == {"text": "Which order?"}
    assert "Which order?" not in done.after.model_dump_json()
    assert done.after.message_count == 1


def test_a_comment_is_for_reviewers_only_unless_it_says_otherwise() -> None:
    state = submitted_state(HARD)
    done = transition_of(state, ask(Comment, state, comment="Look again."), by=SENTA)
    assert done.occurrences[0].event_type is EventType.HUMAN_COMMENTED
    assert done.after.message_count == 0


@pytest.mark.parametrize("who", [ROSE, OWEN])
def test_a_person_without_a_role_cannot_write_to_the_agent(who: str) -> None:
    state = submitted_state(HARD)
    assert refusal(state, ask(Comment, state, audience=Audience.AGENT), by=who) is Reason.WRONG_ROLE


def test_an_agents_message_changes_nothing_but_the_count() -> None:
    state = submitted_state(HARD)
    spoken = after(state, ask(Say, state), by=AGENT.actor)
    changed = {name for name, value in spoken if value != getattr(state, name)}
    assert changed == {"message_count", "revision"}


def test_an_agent_cannot_write_about_the_package_of_another() -> None:
    state = submitted_state(HARD)
    assert refusal(state, ask(Say, state), by=agent(agent_id="agt_2").actor) is Reason.NOT_FOUND


def test_a_person_cannot_speak_for_the_agent() -> None:
    state = submitted_state(HARD)
    assert refusal(state, ask(Say, state), by=SENTA) is Reason.NOT_FOUND


@pytest.mark.parametrize(
    "state",
    [
        approved_state(HARD),
        claimed_state(approved_state(HARD)),
        after(submitted_state(HARD), ask(Reject, submitted_state(HARD)), by=SENTA),
    ],
    ids=["approved", "claimed", "rejected"],
)
def test_messages_about_a_decided_package_are_sent_and_leave_the_decision(state: PackageState) -> None:
    answered = after(state, ask(Say, state), by=AGENT.actor)
    asked = after(answered, ask(Comment, answered, audience=Audience.AGENT), by=SENTA)
    assert (asked.status, asked.decision, asked.execution) == (state.status, state.decision, state.execution)
    assert asked.message_count == 2


def test_a_message_does_not_outdate_a_vote_or_a_claim() -> None:
    state = submitted_state(HARD)
    vote = ask(Approve, state)
    spoken = after(state, ask(Say, state), by=AGENT.actor)
    approved = after(spoken, vote, by=SENTA)
    claim = ask(ClaimExecution, approved)
    later = after(after(approved, ask(Say, approved), by=AGENT.actor), claim, by=AGENT.actor)
    assert (later.status, later.execution.claim_id) == (Status.APPROVED, "clm_1")


def test_a_paused_agent_cannot_write() -> None:
    state = submitted_state(HARD)
    assert refusal(state, ask(Say, state), by=AGENT.actor, agent=agent(frozen=True)) is Reason.AGENT_PAUSED


def test_a_reply_names_a_message_of_the_package() -> None:
    state = submitted_state(HARD)
    reply = ask(Say, state, in_reply_to="evt_1")
    assert refusal(state, reply, by=AGENT.actor) is Reason.UNKNOWN_MESSAGE
    known = Conversation(reply_target_exists=True)
    sent = transition_of(state, reply, by=AGENT.actor, conversation=known)
    assert sent.occurrences[0].words == {"text": "It is order 456.", "in_reply_to": "evt_1"}


@pytest.mark.parametrize(
    ("conversation", "about"),
    [
        (Conversation(everywhere=times(MAX_ABOUT_ONE), here=times(MAX_ABOUT_ONE)), "about one package"),
        (Conversation(everywhere=times(MAX_IN_ALL)), "in all"),
    ],
)
def test_an_agent_that_says_too_much_is_told_when_to_go_on(conversation: Conversation, about: str) -> None:
    state = submitted_state(HARD)
    outcome = decide(state, ask(Say, state), situation(AGENT.actor, conversation=conversation))
    assert isinstance(outcome, Refusal)
    assert (outcome.reason, outcome.facts["after"]) == (Reason.RATE_LIMITED, "59")
    assert about in outcome.sentence


def test_the_rate_is_free_again_when_the_oldest_message_that_fills_it_is_a_minute_old() -> None:
    """More than the rate can be there if replicas counted at the same time."""
    state = submitted_state(HARD)
    sent = (*times(5, 50 * SECOND), *times(MAX_ABOUT_ONE, 20 * SECOND))
    outcome = decide(state, ask(Say, state), situation(AGENT.actor, conversation=Conversation(here=sent)))
    assert isinstance(outcome, Refusal)
    assert outcome.facts["after"] == "40"


def test_below_the_rate_a_message_is_sent() -> None:
    state = submitted_state(HARD)
    few = Conversation(everywhere=times(MAX_IN_ALL - 1), here=times(MAX_ABOUT_ONE - 1))
    assert after(state, ask(Say, state), by=AGENT.actor, conversation=few).message_count == 1
