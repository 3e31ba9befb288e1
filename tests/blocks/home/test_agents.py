"""The answers of `/reviews agents` as they look, and with hostile names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blocks.home.agents import AGENTS, TYPES, AgentRecord, agent_list, agent_record
from blocks.kit.message import Message
from playground.blockkit.validate import validate_message
from rules.people.autonomy import AutonomyProfile
from rules.people.directory import AgentStanding
from rules.policy.model import Autonomy
from rules.scales import HITLLevel
from tests.blocks.conftest import Golden
from tests.rules.world import DAY, NOW, OWEN

SETTINGS = Autonomy()


def profile(action_type: str, level: HITLLevel, **fields: object) -> AutonomyProfile:
    return AutonomyProfile(agent_id="agt_1", action_type=action_type, current_level=level).model_copy(update=fields)


CLERK = AgentRecord(
    "Clerk <!here>",
    OWEN,
    AgentStanding.PAUSED,
    (
        profile("mail.*send*", HITLLevel.HARD_APPROVAL, recent_failures=(NOW,), demoted_at=NOW - DAY),
        profile("record.read", HITLLevel.NOTIFY_ONLY, consecutive_successes=9),
    ),
)
NEW = AgentRecord("Newcomer", OWEN, AgentStanding.ACTIVE, ())
ANSWERS = {
    "agents": agent_list((CLERK, NEW), 2, SETTINGS),
    "agents_none": agent_list((), 0, SETTINGS),
    "agent": agent_record(CLERK, NOW, SETTINGS),
    "agent_new": agent_record(NEW, NOW, SETTINGS),
}


def payload(message: Message) -> dict[str, object]:
    return {"text": message.text, "blocks": list(message.blocks)}


@pytest.mark.parametrize("name", ANSWERS)
def test_each_answer_looks_as_it_did(name: str, golden: Golden) -> None:
    golden(f"reviews_{name}", payload(ANSWERS[name]))
    assert validate_message(payload(ANSWERS[name])) == ()


profiles = st.builds(
    profile,
    st.text(min_size=1, max_size=300),
    st.sampled_from(HITLLevel),
    consecutive_successes=st.integers(0, 10**6),
    demoted_at=st.none() | st.just(NOW),
)
records = st.builds(
    AgentRecord, st.text(), st.just(OWEN), st.sampled_from(AgentStanding), st.lists(profiles, max_size=2 * TYPES)
)


@given(st.lists(records, max_size=3), st.integers(0, 10**6))
def test_any_agents_give_a_valid_message(agents: list[AgentRecord], more: int) -> None:
    assert validate_message(payload(agent_list(agents, more, SETTINGS))) == ()


@given(records)
def test_any_agent_gives_a_valid_message(agent: AgentRecord) -> None:
    assert validate_message(payload(agent_record(agent, NOW, SETTINGS))) == ()


def test_the_longest_lists_are_valid_messages() -> None:
    long = CLERK._replace(
        name="n" * 80, profiles=[profile("t" * 300, level) for level in HITLLevel for _ in range(TYPES)]
    )
    for message in (agent_list((long,) * AGENTS, 10**6, SETTINGS), agent_record(long, NOW, SETTINGS)):
        assert validate_message(payload(message)) == ()
