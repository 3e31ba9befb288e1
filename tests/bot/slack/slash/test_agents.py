"""`/reviews agents`: what each agent has earned, for people who see every package."""

from __future__ import annotations

import pytest

from blocks.home.agents import AGENTS, TYPES
from rules.people.autonomy import AutonomyProfile
from rules.policy.model import Autonomy
from rules.scales import HITLLevel
from store.agents.agent_admin import list_agents
from store.packages.autonomy import save_profile
from tests.bot.slack.office import ADAM, HARD, RITA, SENTA, Office

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


async def earn(office: Office, action_type: str, outcomes: str, level: HITLLevel = HITLLevel.SOFT_APPROVAL) -> None:
    """The office's agent gets this track record: `+` is a success and `-` a failure."""
    (agent,) = await office.world.read(lambda connection: list_agents(connection, office.clock()))
    track = AutonomyProfile(agent_id=agent.agent_id, action_type=action_type, current_level=level)
    for outcome in outcomes:
        track = track.record_outcome(success=outcome == "+", now=office.clock(), settings=Autonomy())
    await office.world.write(lambda connection: save_profile(connection, office.world.tenant_id, track))


async def test_an_agent_without_outcomes_has_the_level_with_which_agents_start(office: Office) -> None:
    note = await office.reviews(ADAM, "agents")
    assert "Clerk" in note.shown
    assert "No reviewed outcomes yet: soft approval for every action type." in note.shown


async def test_the_list_has_each_agents_action_types_by_level(office: Office) -> None:
    for number in range(4):
        await earn(office, f"record.read{number}", "+" * 10)
    await earn(office, "mail.send", "--")
    note = await office.reviews(ADAM, "agents")
    assert "notify only: record.read0, record.read1, record.read2 and 1 more" in note.shown
    assert "hard approval: mail.send" in note.shown


async def test_one_agent_is_shown_with_what_it_would_take_to_rise_or_fall(office: Office) -> None:
    await earn(office, "record.read", "+++")
    note = await office.reviews(ADAM, "agents Clerk")
    assert "So far: 3 reviewed successes in a row." in note.shown
    assert (
        "Rises: notify only after 7 more in a row. Falls: hard approval after 2 more failures within 1 day."
        in note.shown
    )


@pytest.mark.parametrize(
    ("level", "sentence"),
    [(HITLLevel.FULL_AUTO, "Rises: the mildest level."), (HITLLevel.HUMAN_TAKEOVER, "Falls: the strictest level.")],
)
async def test_at_the_end_of_the_scale_nothing_more_can_be_earned_or_lost(
    office: Office, level: HITLLevel, sentence: str
) -> None:
    await earn(office, "record.read", "", level)
    assert sentence in (await office.reviews(ADAM, "agents Clerk")).shown


async def test_what_an_approved_success_earns_is_seen(office: Office) -> None:
    proposal, card = await office.submit_with_card(HARD)
    await office.approve(SENTA, card)
    await office.claim(proposal, "clm_1")
    await office.report(proposal, "succeeded", "clm_1")
    assert "1 reviewed success in a row" in (await office.reviews(ADAM, "agents Clerk")).shown


async def test_long_lists_say_how_many_more_there_are(office: Office) -> None:
    for number in range(TYPES + 2):
        await earn(office, f"record.read{number:03}", "+")
    for number in range(AGENTS):
        await office.world.hire(f"agent{number:03}")
    assert "2 more action types" in (await office.reviews(ADAM, "agents Clerk")).shown
    assert "1 more agent" in (await office.reviews(ADAM, "agents")).shown


async def test_others_cannot_see_what_agents_have_earned(office: Office) -> None:
    note = await office.reviews(RITA, "agents")
    assert "Only people who see every package can see what agents have earned. Ask an admin." in note.shown


@pytest.mark.parametrize("name", ["Nobody", "<!channel>", "*bold*"])
async def test_an_unknown_agent_is_named_and_notifies_nobody(office: Office, name: str) -> None:
    note = await office.reviews(ADAM, f"agents {name}")
    assert f"There is no agent named {name}." in note.shown
