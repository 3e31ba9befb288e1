"""Threads in Slack: people hold, resume and cancel them from Details and with `/reviews`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from json import dumps
from pathlib import Path

import pytest

from playground.model.messages import Message
from rules.scales import HITLLevel
from rules.state.commands import Verb
from rules.state.model import Status
from rules.threads.model import thread_key
from store.engine.database import StaleError
from tests.bot.service import Response
from tests.bot.slack.context.test_database_away import without_its_database
from tests.bot.slack.context.test_failed_clicks import beats
from tests.bot.slack.forms import before, press_forged, submit_forged
from tests.bot.slack.office import ADAM, HARD, NOBODY, OWEN, POLICY, RITA, ROSE, ROSS, SENTA, SOFT, Office, open_office
from tests.bot.slack.transport.test_proof import HARD_NOW, STILL_SOFT, stands
from tests.rules.world import MINUTE

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

THREAD = "case-456"
IN_THREAD = SOFT | {"thread_id": THREAD}
HARD_IN_THREAD = HARD | {"thread_id": THREAD}


async def thread_state(office: Office) -> str:
    return str((await office.get(f"/v1/threads/{THREAD}")).body["state"])


async def hold(office: Office, user: str, card: Message, why: str = "The customer is calling.") -> None:
    await office.click(user, card, "details")
    await office.slack.click_modal(user, "thread_hold")
    await office.slack.submit(user, {"comment": why})
    await office.slack.close(user)


async def test_a_thread_is_held_from_details_and_the_window_then_shows_it(office: Office) -> None:
    proposal, card = await office.submit_with_card(IN_THREAD)
    await office.click(RITA, card, "details")
    await office.slack.click_modal(RITA, "thread_hold")
    await office.slack.submit(RITA, {"comment": "The customer is calling."})
    view = office.slack.modal(RITA)
    assert view is not None
    assert "case-456 · on hold" in view.shown
    assert "held by Rita" in view.shown
    assert "Reason: \nThe customer is calling." in view.shown
    assert (await office.state(proposal)).hold is not None
    assert await thread_state(office) == "held"


async def test_the_card_says_who_held_the_thread_and_a_note_tells_the_channel(office: Office) -> None:
    proposal, card = await office.submit_with_card(HARD_IN_THREAD)
    await hold(office, SENTA, card)
    shown = await office.card(proposal)
    assert "on hold by Senta since" in shown.shown
    assert "Senta put this thread on hold." in "\n".join(note.shown for note in office.thread(shown))


async def test_lists_and_details_of_a_held_package_name_no_deadline(office: Office) -> None:
    _, card = await office.submit_with_card(HARD_IN_THREAD)
    assert "by " in (await office.reviews(SENTA, "mine")).shown
    await hold(office, SENTA, card)
    row = (await office.reviews(SENTA, "mine")).shown
    assert "on hold" in row
    assert "by " not in row
    assert "This role's deadline" not in (await office.details(SENTA, card)).shown


async def test_details_of_a_package_cancelled_with_its_thread_do_not_offer_a_hold(office: Office) -> None:
    proposal, card = await office.submit_with_card(IN_THREAD)
    assert "Hold thread" in (await office.details(RITA, card)).labels
    await office.slack.close(RITA)
    await office.reviews(RITA, f"cancel {THREAD}")
    await office.slack.submit(RITA, {"comment": "Wrong customer."})
    labels = (await office.details(RITA, await office.card(proposal))).labels
    assert ("Thread" in labels, "Hold thread" in labels) == (True, False)


async def test_details_of_a_held_package_resume_the_thread_with_an_instruction(office: Office) -> None:
    _, card = await office.submit_with_card(HARD_IN_THREAD)
    await hold(office, SENTA, card)
    await office.click(SENTA, card, "details")
    await office.slack.click_modal(SENTA, "thread_resume")
    await office.slack.submit(SENTA, {"instructions": "Use source 2.", "modified_state": '{"sources": [2]}'})
    document = (await office.get(f"/v1/threads/{THREAD}")).body
    assert (document["state"], document["instruction"]) == ("running", "Use source 2.")
    assert document["modified_state"] == {"sources": [2]}


@pytest.mark.parametrize(
    ("text", "fault"), [("{", "Line 1, character 2"), ("[1]", "must be a JSON object"), ("x" * 20, "Line 1")]
)
async def test_a_state_that_is_no_object_is_refused_beside_its_field(office: Office, text: str, fault: str) -> None:
    _, card = await office.submit_with_card(HARD_IN_THREAD)
    await hold(office, SENTA, card)
    await office.click(SENTA, card, "details")
    await office.slack.click_modal(SENTA, "thread_resume")
    outcome = await office.slack.submit(SENTA, {"modified_state": text})
    assert fault in outcome.body["errors"]["modified_state"]
    assert await thread_state(office) == "held"


async def test_a_checkpoint_of_the_agent_can_be_chosen(office: Office) -> None:
    _, card = await office.submit_with_card(HARD_IN_THREAD)
    body = {"checkpoint_id": "step-1", "summary": "Three sources read."}
    assert (await office.post(f"/v1/threads/{THREAD}/checkpoints", body)).status == 200
    await hold(office, SENTA, card)
    await office.click(SENTA, card, "details")
    await office.slack.click_modal(SENTA, "thread_resume")
    form = before(office)
    (options,) = [block["element"]["options"] for block in form.blocks if block.get("block_id") == "checkpoint"]
    assert options[0]["text"]["text"] == "step-1"
    await office.slack.submit(SENTA, {"checkpoint": options[0]["value"]})
    assert (await office.get(f"/v1/threads/{THREAD}")).body["resume_checkpoint_id"] == "step-1"


async def test_who_may_not_resume_is_told_who_can(office: Office) -> None:
    _, card = await office.submit_with_card(IN_THREAD)
    await hold(office, RITA, card)
    await office.click(ROSE, card, "details")
    await office.slack.click_modal(ROSE, "thread_resume")
    assert "a reviewer who is independent of it" in await office.refused(ROSE)
    assert await thread_state(office) == "held"


async def running(office: Office) -> Response:
    """A package of the thread that the agent is carrying out."""
    proposal, card = await office.submit_with_card(IN_THREAD)
    await office.click(RITA, card, "approve")
    assert (await office.claim(proposal)).status == 200
    return proposal


async def test_a_thread_can_be_held_while_its_action_runs_and_everyone_reads_that_it_goes_on(office: Office) -> None:
    proposal = await running(office)
    await hold(office, RITA, await office.card(proposal))
    assert "Already running, and not stopped by a hold" in (await office.reviews(RITA, f"history {THREAD}")).shown
    card = await office.card(proposal)
    details = await office.details(RITA, card)
    for shown in (card.shown, details.shown):
        assert "Thread on hold by Rita since" in shown
        assert "This is already running and goes on." in shown
        assert "Why on hold: \nThe customer is calling." in shown
    assert "Resume thread" in details.labels
    assert "Hold thread" not in details.labels
    note = office.thread(card)[-1].shown
    assert "Rita put this thread on hold. This is already running and goes on." in note
    assert "Why on hold: \nThe customer is calling." in note


async def test_after_a_resumption_the_card_of_a_running_action_says_nothing_of_the_hold(office: Office) -> None:
    proposal = await running(office)
    await hold(office, RITA, await office.card(proposal))
    await office.reviews(RITA, f"resume {THREAD}")
    await office.slack.submit(RITA, {"instructions": "Go on."})
    card = await office.card(proposal)
    assert "on hold" not in card.shown
    assert "Rita resumed this thread." in office.thread(card)[-1].shown


async def test_a_running_action_goes_on_after_a_cancellation_and_details_offer_no_hold(office: Office) -> None:
    proposal = await running(office)
    await office.reviews(RITA, f"cancel {THREAD}")
    await office.slack.submit(RITA, {"comment": "Wrong customer."})
    card = await office.card(proposal)
    assert "Thread cancelled by Rita" in card.shown
    assert "Rita cancelled this thread. This is already running and goes on." in office.thread(card)[-1].shown
    labels = (await office.details(RITA, card)).labels
    assert {"Hold thread", "Resume thread"}.isdisjoint(labels)
    assert "Thread" in labels


async def test_details_of_a_package_that_had_ended_before_the_hold_offer_to_resume_the_thread(office: Office) -> None:
    ended, card = await office.submit_with_card(HARD_IN_THREAD)
    _, other = await office.submit_with_card(IN_THREAD | {"title": "Another"})
    await office.give(SENTA, card, Verb.REJECT, {"comment": "No."})
    await hold(office, SENTA, other)
    details = await office.details(SENTA, await office.card(ended))
    assert "Resume thread" in details.labels
    assert "Thread on hold by Senta since" in details.shown


async def test_the_reason_of_a_hold_is_on_the_card_in_details_and_in_the_note_inside_a_frame(office: Office) -> None:
    why = "Call *the customer* <!channel> <https://example.org|now>"
    proposal, card = await office.submit_with_card(HARD_IN_THREAD)
    await hold(office, SENTA, card, why)
    card = await office.card(proposal)
    note = office.thread(card)[-1]
    details = await office.details(SENTA, card)
    for blocks in (card.blocks, note.blocks, details.blocks):
        assert "Why on hold: " in (shown := dumps(blocks, ensure_ascii=False))
        assert why in shown
        assert not any(why in dumps(block) for block in blocks if block["type"] != "rich_text")
    assert note.notified == frozenset()


async def test_the_card_names_the_person_who_took_over_the_hold(office: Office) -> None:
    proposal, card = await office.submit_with_card(HARD_IN_THREAD)
    await hold(office, OWEN, card, "Mine.")
    await office.reviews(SENTA, f"hold {THREAD}")
    await office.slack.submit(SENTA, {"comment": "Not before noon."})
    shown = (await office.card(proposal)).shown
    assert "on hold by Senta since" in shown
    assert "Why on hold: \nNot before noon." in shown


async def test_reviews_lists_the_threads_that_a_person_can_see(office: Office) -> None:
    assert "No threads to show" in (await office.reviews(RITA, "threads")).shown
    await office.submit_with_card(IN_THREAD)
    note = await office.reviews(RITA, "threads")
    assert "case-456" in note.shown
    assert note.labels == ["Open", "Hold thread", "Cancel thread"]
    assert "case-456" not in (await office.reviews(NOBODY, "threads")).shown


async def test_reviews_hold_opens_the_form_and_shows_the_thread(office: Office) -> None:
    await office.submit_with_card(IN_THREAD)
    assert "case-456 · running" in (await office.reviews(RITA, "hold CASE-456")).shown
    await office.slack.submit(RITA, {"comment": "Wait."})
    assert await thread_state(office) == "held"


async def test_reviews_cancel_ends_the_thread_and_asks_for_a_rollback(office: Office) -> None:
    proposal, _ = await office.submit_with_card(IN_THREAD)
    await office.reviews(RITA, f"cancel {THREAD}")
    await office.slack.submit(RITA, {"comment": "Wrong customer.", "rollback": ["rollback"]})
    document = (await office.get(f"/v1/threads/{THREAD}")).body
    assert (document["state"], document["rollback_requested"]) == ("cancelled", True)
    assert await office.status(proposal) is Status.CANCELLED
    card = await office.card(proposal)
    assert "thread cancelled" in card.shown.lower()
    assert "Rita (reviewer) cancelled the thread" in card.shown


async def test_reviews_resume_takes_a_thread_and_for_admins_an_agent(office: Office) -> None:
    _, card = await office.submit_with_card(IN_THREAD)
    await hold(office, RITA, card)
    await office.reviews(RITA, f"resume {THREAD}")
    await office.slack.submit(RITA, {"instructions": "Go on."})
    assert await thread_state(office) == "running"
    await office.submit(IN_THREAD | {"thread_id": "clerk"})  # an agent cannot hide another from admins
    assert "The agent Clerk is resumed." in (await office.reviews(ADAM, "resume Clerk")).shown
    assert "There is no thread Writer" in (await office.reviews(RITA, "resume Writer")).shown


@pytest.mark.parametrize("word", ["hold", "resume", "cancel", "history"])
@pytest.mark.parametrize("name", ["", "nowhere", "<!channel>"])
async def test_a_thread_that_nobody_can_see_is_named_as_unknown(office: Office, word: str, name: str) -> None:
    note = await office.reviews(RITA, f"{word} {name}")
    expected = "There is no thread" if name else f"Write it as: /reviews {word} THREAD."
    assert expected in note.shown


async def test_a_forged_click_or_form_does_not_let_a_stranger_to_the_thread_hold_it(office: Office) -> None:
    _, card = await office.submit_with_card(IN_THREAD)
    await office.details(NOBODY, card)  # anyone in the channel may open Details of its cards
    await press_forged(office, NOBODY, before(office, NOBODY), "thread_hold", thread_key(THREAD))
    assert "There is no thread of this name that you can see." in await office.refused(NOBODY)
    forged = {"callback_id": "thread_command", "private_metadata": f"hold {thread_key(THREAD)} -"}
    answer = await submit_forged(office, NOBODY, **forged, state={"values": {}})
    assert answer.status == 200
    assert await thread_state(office) == "running"


@contextmanager
def busy(office: Office) -> Iterator[None]:
    async def stale(*_: object, **__: object) -> None:
        raise StaleError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(office.store.database, "write", stale)
        yield


async def test_a_hold_that_cannot_be_carried_out_keeps_the_form_and_stops_silence_in_the_whole_thread(
    office: Office,
) -> None:
    proposal, card = await office.submit_with_card(IN_THREAD)
    other, _ = await office.submit_with_card(IN_THREAD | {"title": "Another"})
    elsewhere, _ = await office.submit_with_card(SOFT | {"thread_id": "another"})
    await office.click(RITA, card, "details")
    await office.slack.click_modal(RITA, "thread_hold")
    with busy(office):
        outcome = await office.slack.submit(RITA, {"comment": "The customer is calling."})
    assert "again" in outcome.body["errors"]["comment"]
    assert await beats(office)
    assert [await stands(office, package) for package in (proposal, other, elsewhere)] == [
        HARD_NOW,
        HARD_NOW,
        STILL_SOFT,
    ]
    await office.slack.submit(RITA, {"comment": "The customer is calling."})
    assert await thread_state(office) == "held"


@pytest.mark.parametrize("verb", ["hold", "cancel"])
async def test_a_lost_thread_form_counts_as_a_failed_click(office: Office, verb: str) -> None:
    proposal, _ = await office.submit_with_card(IN_THREAD)
    await office.reviews(RITA, f"{verb} {THREAD}")
    with without_its_database(office):
        assert (await office.slack.submit(RITA, {"comment": "Wait."})).status == 503
        assert not await beats(office)
    assert await beats(office)
    assert await stands(office, proposal) == HARD_NOW


@pytest.mark.parametrize("user", [RITA, ADAM])  # an admin may hold the thread, and may not object to its package
async def test_a_lost_click_on_hold_thread_counts_for_whoever_may_hold_it(office: Office, user: str) -> None:
    proposal, card = await office.submit_with_card(IN_THREAD)
    await office.details(user, card)
    with without_its_database(office):
        assert (await office.slack.click_modal(user, "thread_hold")).status == 503
    await beats(office)
    assert await stands(office, proposal) == HARD_NOW


async def test_a_lost_click_on_hold_thread_of_someone_who_may_not_hold_it_changes_nothing(office: Office) -> None:
    proposal, card = await office.submit_with_card(IN_THREAD)
    await office.details(NOBODY, card)
    with without_its_database(office):
        await press_forged(office, NOBODY, before(office, NOBODY), "thread_hold", thread_key(THREAD))
    await beats(office)
    assert await stands(office, proposal) == STILL_SOFT


@pytest.mark.parametrize("typed", ["R&D <2026>", "R&amp;D &lt;2026&gt;"])
async def test_a_thread_whose_name_slack_escapes_is_found(office: Office, typed: str) -> None:
    proposal, _ = await office.submit_with_card(SOFT | {"thread_id": "R&D <2026>"})
    assert "R&D <2026>" in (await office.reviews(RITA, f"history {typed}")).shown
    with without_its_database(office):
        await office.slack.command(RITA, "/reviews", f"hold {typed}")
    await beats(office)
    assert await stands(office, proposal) == HARD_NOW


async def test_a_hold_typed_while_the_database_is_away_counts_as_a_failed_click(office: Office) -> None:
    proposal, _ = await office.submit_with_card(IN_THREAD)
    with without_its_database(office):
        await office.slack.command(RITA, "/reviews", "hold CASE-456")
        await office.slack.command(RITA, "/reviews", "history case-456")
    await beats(office)
    assert await stands(office, proposal) == HARD_NOW


async def test_a_hold_whose_form_does_not_open_says_so_and_counts_as_a_failed_click(office: Office) -> None:
    proposal, _ = await office.submit_with_card(IN_THREAD)
    office.slack.faults.error("views.open", "expired_trigger_id")
    assert "Please try again" in (await office.reviews(RITA, f"hold {THREAD}")).shown
    await beats(office)
    assert await stands(office, proposal) == HARD_NOW


async def test_while_the_directory_is_stale_a_hold_says_so_and_counts_as_a_failed_click(
    database_url: str, tmp_path: Path
) -> None:
    policy = POLICY.replace('max_age = "1000d"', 'max_age = "8m"')
    async with open_office(database_url, tmp_path, policy) as office:
        await office.read_directory()
        proposal, card = await office.submit_with_card(IN_THREAD)
        await office.click(RITA, card, "details")
        await office.slack.click_modal(RITA, "thread_hold")
        await office.passes(9 * MINUTE)
        outcome = await office.slack.submit(RITA, {"comment": "Wait."})
        assert "directory of people is out of date" in outcome.body["errors"]["comment"]
        assert "directory of people is out of date" in (await office.reviews(RITA, f"hold {THREAD}")).shown
        await office.read_directory()
        await beats(office)
        assert (await office.state(proposal)).level is HITLLevel.HARD_APPROVAL


async def test_a_race_of_two_who_hold_leaves_one_window_that_says_so(office: Office) -> None:
    _, card = await office.submit_with_card(IN_THREAD)
    for user in (RITA, ROSS):
        await office.click(user, card, "details")
        await office.slack.click_modal(user, "thread_hold")
    await office.slack.submit(RITA, {"comment": "First."})
    await office.slack.submit(ROSS, {"comment": "Second."})
    assert "already on hold" in await office.refused(ROSS)


async def test_a_handoff_is_told_in_the_cards_thread_and_in_the_window_of_the_thread(office: Office) -> None:
    writer = await office.hire("Writer")
    _, card = await office.submit_with_card(HARD_IN_THREAD)
    offer = {"thread_id": THREAD, "to_agent": "Writer", "reason": "The sources are read.", "mode": "delegate"}
    offered = await office.post("/v1/handoffs", offer)
    await office.click(SENTA, card, "details")
    await office.slack.click_modal(SENTA, "thread")
    view = office.slack.modal(SENTA)
    assert view is not None
    assert "Offered to Writer until " in view.shown
    await office.post(f"/v1/handoffs/{offered.body['handoff_id']}/accept", {}, key=writer)
    await office.deliver()
    assert "This thread was handed over. From now on Writer asks." in office.thread(card)[-1].text
    assert "Writer" in office.slack.message(card.channel, card.ts).text
    await office.slack.close(SENTA)
    await office.slack.close(SENTA)
    await office.click(SENTA, card, "details")
    await office.slack.click_modal(SENTA, "thread")
    view = office.slack.modal(SENTA)
    assert view is not None
    assert "Lent by Clerk until " in view.shown
