"""Blind second looks in Slack: whoever judges sees nothing of the first decision on any surface that they can open."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import pytest

from playground.model.messages import Message
from rules.state.commands import Verb
from store.audit.reader import snapshot, verify_database
from store.engine.address import parse_database_url
from store.engine.engines import make_engine
from tests.bot.service import Response
from tests.bot.slack.forms import press_unoffered
from tests.bot.slack.home.test_home import home
from tests.bot.slack.office import CRITICAL, HARD, POLICY, SENIORS_FOR_ALL, SENTA, SUSI, SVEN, Office, open_office

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

JUDGES = frozenset([SVEN, SUSI, "USAUL", "USILA"])
DRAWN = POLICY.replace('admins = ["UADAM"]', f"admins = {json.dumps(['UADAM', *sorted(JUDGES)])}")
DRAWN += "\n[audit]\nsample = { high = 1 }\n"
REASON, REPORT, REMARK = "I phoned the customer.", "It ran at once.", "Please be quick."
ASKED = HARD | {"thread_id": "thr_1", "subject_id": "customer-7"}
# Whatever would tell who approved it, why, what others said about it, or what came of it.
TELLING = (
    "Senta",
    SENTA,
    "Approved",
    "approved this",
    REASON,
    REPORT,
    REMARK,
    "Carried out",
    "carried out",
    "Being carried",
)
WHY = "The record is the wrong one."


class Look(NamedTuple):
    proposal: Response
    card: Message
    judge: str
    others: frozenset[str]


@asynccontextmanager
async def looking(url: str, folder: Path, policy: str = DRAWN) -> AsyncIterator[tuple[Office, Look]]:
    """Senta wrote a comment and approved it, the agent carried it out, and someone else is asked to look at it."""
    async with open_office(url, folder, policy) as office:
        proposal, card = await office.submit_with_card(ASKED)
        await office.details(SENTA, card, Verb.COMMENT)
        await office.slack.submit(SENTA, {"comment": REMARK, "audience": "reviewers"})
        await office.approve(SENTA, await office.card(proposal), REASON)
        await office.claim(proposal)
        await office.report(proposal, detail=REPORT)
        state = await office.state(proposal)
        assert state.open_look is not None
        judge = state.open_look.judge
        yield office, Look(proposal, await office.card(proposal), judge, JUDGES - {judge})


def told(shown: str) -> list[str]:
    return [word for word in TELLING if word in shown]


async def judge_it(office: Office, look: Look, verdict: str = "unsound") -> None:
    listed = await office.reviews(look.judge, "sampled")
    await office.click(look.judge, listed, "judge")
    assert (await office.slack.submit(look.judge, {"verdict": verdict, "comment": WHY})).errors == {}
    await office.finish_background()
    await office.deliver()


async def whole_details(office: Office, user: str, card: Message) -> str:
    """All pages of Details."""
    view = await office.details(user, card)
    pages = [view.shown, json.dumps(view.blocks)]
    while "page" in view.action_ids and len(pages) < 40:
        await office.slack.click_modal(user, "page")
        view = office.slack.modal(user) or view
        pages += [view.shown, json.dumps(view.blocks)]
    await office.slack.close(user, everything=True)
    return "\n".join(pages)


async def test_while_someone_looks_the_card_in_the_channel_says_to_nobody_how_it_was_decided(
    database_url: str, tmp_path: Path
) -> None:
    async with looking(database_url, tmp_path) as (office, look):
        assert "Read the record · decided" in look.card.shown
        assert "judging it without knowing how" in look.card.shown
        assert told(json.dumps(look.card.blocks) + look.card.text) == []
        assert told("".join(note.shown + note.text for note in office.thread(look.card))) == []
        assert look.card.action_ids == ["details"]


async def test_no_surface_tells_the_judge_how_it_was_decided(database_url: str, tmp_path: Path) -> None:
    async with looking(database_url, tmp_path) as (office, look):
        words = ["mine", "sampled", "queue", "threads", "history thr_1"]
        words += [f"show {look.proposal.id}", f"audit {look.proposal.id}"]
        shown = {word: await office.reviews(look.judge, word) for word in words}
        surfaces = {word: message.shown + message.text + json.dumps(message.blocks) for word, message in shown.items()}
        surfaces["Details"] = await whole_details(office, look.judge, look.card)
        surfaces["Details of the private card"] = await whole_details(office, look.judge, shown[words[-2]])
        view = await home(office, look.judge)
        surfaces["Home"] = view.shown + json.dumps(view.blocks)
        assert {name: told(text) for name, text in surfaces.items() if told(text)} == {}
        for name in ("mine", "sampled", "Home", "Details"):
            assert "Read the record" in surfaces[name]
            assert "Judge" in surfaces[name]


async def test_the_form_of_the_judge_tells_nothing_and_needs_a_sentence(database_url: str, tmp_path: Path) -> None:
    async with looking(database_url, tmp_path) as (office, look):
        view = await office.details(look.judge, look.card, Verb.JUDGE)
        assert told(view.shown + json.dumps(view.blocks)) == []
        assert "Would you let it go ahead?" in view.shown
        assert [block["optional"] for block in view.blocks if block.get("block_id") == "comment"] == [False]


@pytest.mark.parametrize("verb", ["approve", "reject", "revise", "escalate", "take_over", "revoke", "comment"])
async def test_an_old_button_tells_the_judge_nothing(database_url: str, tmp_path: Path, verb: str) -> None:
    async with looking(database_url, tmp_path) as (office, look):
        view = await press_unoffered(office, look.judge, look.card, Verb(verb))
        assert told(view.shown) == []
        assert "You were picked for a blind second look at this." in view.shown


async def test_another_package_about_the_same_subject_does_not_tell_the_judge(
    database_url: str, tmp_path: Path
) -> None:
    async with looking(database_url, tmp_path) as (office, look):
        other = ASKED | {"title": "Read it again", "action_parameters": {"record": "43"}, "thread_id": "thr_2"}
        _, card = await office.submit_with_card(other)
        details = {user: await whole_details(office, user, card) for user in (look.judge, min(look.others))}
        assert look.proposal.id not in details[look.judge]
        assert look.proposal.id in details[min(look.others)]


async def test_others_see_in_details_who_approved_it_and_not_who_looks(database_url: str, tmp_path: Path) -> None:
    async with looking(database_url, tmp_path) as (office, look):
        await whole_details(office, look.judge, look.card)
        for user in (SENTA, min(look.others)):
            details = await whole_details(office, user, look.card)
            assert "Senta" in details
            assert "Picked for a blind second look" in details
            assert _name(look.judge) not in details


async def test_the_verdict_is_told_to_both_and_to_nobody_else(database_url: str, tmp_path: Path) -> None:
    async with looking(database_url, tmp_path) as (office, look):
        await judge_it(office, look)
        card = await office.card(look.proposal)
        assert "Senta (senior reviewer) approved this" in card.shown
        for user in (SENTA, look.judge):
            details = await whole_details(office, user, card)
            assert "Judged unsound afterwards." in details
            assert WHY in details
            assert _name(look.judge) in details
        for user in look.others:  # admins, too
            surfaces = await whole_details(office, user, card)
            for word in (f"audit {look.proposal.id}", f"show {look.proposal.id}", "history thr_1"):
                message = await office.reviews(user, word)
                surfaces += message.shown + json.dumps(message.blocks)
            assert "nsound" not in surfaces
            assert WHY not in surfaces
            assert f"· {_name(look.judge)}" not in surfaces
        public = card.shown + "".join(note.shown for note in office.thread(card))
        assert "nsound" not in public
        assert "judged unsound in a blind second look" in (await home(office, SENTA)).shown


async def test_the_agent_learns_neither_who_looks_nor_what_they_found(database_url: str, tmp_path: Path) -> None:
    async with looking(database_url, tmp_path) as (office, look):
        await whole_details(office, look.judge, look.card)
        await judge_it(office, look)
        answer = await office.get(f"/v1/packages/{look.proposal.id}/events")
        events = answer.body["events"]
        picked = next(place for place, event in enumerate(events) if event["event_type"] == "review.picked")
        assert look.judge not in json.dumps(events[picked:])
        assert "unsound" not in answer.text
        assert {event["actor"] for event in events if event["event_type"].startswith("review.")} == {"withheld"}
        assert [event["previous"] for event in events[1:]] == [event["digest"] for event in events[:-1]]
        assert "unsound" not in (await office.read(look.proposal)).text


async def test_a_look_that_nobody_gives_ends_and_the_card_and_its_thread_say_it_all(
    database_url: str, tmp_path: Path
) -> None:
    async with looking(database_url, tmp_path) as (office, look):
        await office.passes(timedelta(days=3, minutes=1))
        card = await office.card(look.proposal)
        assert "Senta (senior reviewer) approved this" in card.shown
        assert REASON in "".join(note.shown for note in office.thread(card))
        assert "No items to review." in (await office.reviews(look.judge, "sampled")).shown


async def test_if_the_judge_goes_away_the_look_ends_and_is_counted_as_one_that_nobody_could_give(
    database_url: str, tmp_path: Path
) -> None:
    async with looking(database_url, tmp_path) as (office, look):
        await office.reviews(look.judge, "away 2d")
        await office.passes(timedelta(minutes=5))
        for user in JUDGES:
            assert "No items to review." in (await office.reviews(user, "sampled")).shown
        card = await office.card(look.proposal)
        assert "Senta (senior reviewer) approved this" in card.shown
        assert REASON in "".join(note.shown for note in office.thread(card))
        details = await whole_details(office, SENTA, card)
        assert "The blind second look ended without a judgment (judge left)" in details
        counted = (await office.stats(SENTA)).shown
        assert "0 of 0 packages judged; 0 of them blind; nobody could judge 1 more" in counted
        assert "reviewers disagreed" not in counted


async def test_what_the_agent_says_meanwhile_waits_and_all_of_it_follows(database_url: str, tmp_path: Path) -> None:
    words = [f"Senta approved it, part {number}." for number in range(7)]
    async with looking(database_url, tmp_path) as (office, look):
        for text in words:
            assert (await office.post(f"/v1/packages/{look.proposal.id}/messages", {"text": text})).status == 201
            await office.passes(timedelta(minutes=5))
        card = await office.card(look.proposal)
        assert told(card.shown + "".join(note.shown + note.text for note in office.thread(card))) == []
        assert "Senta approved it" not in await whole_details(office, look.judge, card)
        (other, *_) = look.others
        assert all([text in await whole_details(office, other, card) for text in words])
        await judge_it(office, look)
        thread = "".join(note.shown for note in office.thread(await office.card(look.proposal)))
        assert [text for text in words if text in thread] == words[-3:]
        assert "4 earlier messages in Details." in thread
        whole = await whole_details(office, look.judge, await office.card(look.proposal))
        assert [text for text in words if text not in whole] == []


async def test_a_failure_ends_the_look_because_people_have_to_act(database_url: str, tmp_path: Path) -> None:
    async with looking(database_url, tmp_path) as (office, look):
        await office.report(look.proposal, "rolled_back")
        card = await office.card(look.proposal)
        assert "rolled back" in card.shown
        assert "No items to review." in (await office.reviews(look.judge, "sampled")).shown


async def test_a_card_that_waits_for_a_second_approval_names_nobody_who_gave_the_first(
    database_url: str, tmp_path: Path
) -> None:
    drawn = SENIORS_FOR_ALL + "\n[audit]\nsample = { critical = 1 }\n"
    async with open_office(database_url, tmp_path, drawn) as office:
        proposal, card = await office.submit_with_card(CRITICAL)
        await office.read_first(card, SENTA)
        await office.approve(SENTA, card, REASON)
        card = await office.card(proposal)
        assert "1 of 2 approvals. Still needed: 1 supervisor." in card.shown
        assert "Senta" not in card.shown + card.text + json.dumps(card.blocks)


async def test_the_record_of_a_look_holds(database_url: str, tmp_path: Path) -> None:
    async with looking(database_url, tmp_path) as (office, look):
        await judge_it(office, look)
        assert "reviewers disagreed 1 of 1" in (await office.stats(look.judge)).shown
        assert "1 of 1 package judged, unsound 1 of 1; 1 of them blind" in (await office.stats(look.judge)).shown
        engine = make_engine(parse_database_url(office.world.url))
        with snapshot(engine) as connection:
            assert list(verify_database(connection)) == []
        engine.dispose()


def _name(user: str) -> str:
    return user[1:].capitalize()
