"""The record of actions in Slack: what people saw, and how often they tried. On both databases."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy import select

from blocks.kit.ids import Ref
from playground.model.messages import Message
from rules.reasons import Reason
from rules.state.commands import Verb
from rules.state.model import Status
from store.outbox.renderings import RENDERINGS
from tests.bot.service import Response
from tests.bot.slack.office import CRITICAL, HARD, RITA, SAUL, SENTA, SOFT, SUSI, Office


async def rendering(office: Office, rendering_id: str) -> Any:
    query = select(RENDERINGS.c.body).where(RENDERINGS.c.rendering_id == rendering_id)
    body = await office.world.read(lambda connection: connection.execute(query).scalar_one())
    return json.loads(body)


def bare(blocks: Any) -> Any:
    """The blocks without the ids that Slack adds."""
    return [{name: value for name, value in block.items() if name != "block_id"} for block in blocks]


def ref_of(card: Message) -> Ref:
    (reference,) = (Ref.read(element.data["value"]) for element in card.elements if element.action_id == "details")
    assert reference is not None
    return reference


async def rendering_id_of(office: Office, proposal: Response) -> str:
    return str((await office.read(proposal)).body["decision"]["rendering_id"])


@pytest.mark.parametrize("package", [pytest.param(SOFT, id="in one tap"), pytest.param(HARD, id="with a form")])
async def test_a_decision_names_the_rendering_that_the_reviewer_saw(office: Office, package: Mapping[str, Any]) -> None:
    proposal, card = await office.submit_with_card(package)
    await office.give(SENTA, card, Verb.COMMENT, {"comment": "Seen."})
    latest = await office.card(proposal)
    assert bare(card.blocks) != bare(latest.blocks)
    await office.give(SENTA, latest, Verb.TAKE_OVER, {})
    kept = await rendering(office, await rendering_id_of(office, proposal))
    assert (bare(kept["blocks"]), kept["text"]) == (bare(latest.blocks), latest.text)
    assert await rendering_id_of(office, proposal) == ref_of(latest).rendering_id


async def test_each_vote_of_a_quorum_names_its_own_rendering(office: Office) -> None:
    proposal, card = await office.submit_with_card(CRITICAL)
    await office.read_first(card, SUSI, SAUL)
    seen = []
    for user in (SUSI, SAUL):
        latest = await office.card(proposal)
        seen.append(latest)
        await office.approve(user, latest)
    votes = (await office.state(proposal)).votes
    assert [vote.rendering_id for vote in votes] == [ref_of(card).rendering_id for card in seen]
    for vote, card in zip(votes, seen, strict=True):
        assert bare((await rendering(office, str(vote.rendering_id)))["blocks"]) == bare(card.blocks)


async def test_many_attempts_within_a_minute_are_one_event(office: Office) -> None:
    proposal, card = await office.submit_with_card()
    for _ in range(3):
        await office.click(RITA, card, "approve")
        await office.refused(RITA)
    assert await office.refusals(proposal) == [(RITA, Reason.WRONG_ROLE)]


async def test_a_refused_tap_can_be_repeated_once_the_obstacle_is_gone(office: Office) -> None:
    """It is the same intention on the same rendering, and still it is evaluated again."""
    proposal, card = await office.submit_with_card(SOFT)
    await office.regroup(removed=(SENTA,))
    for _ in range(2):
        await office.click(SENTA, card, "approve", old_copy=True)
        assert "role to decide this" in await office.refused(SENTA)
    await office.regroup(added=(SENTA,))
    await office.click(SENTA, card, "approve", old_copy=True)
    assert await office.status(proposal) is Status.APPROVED
