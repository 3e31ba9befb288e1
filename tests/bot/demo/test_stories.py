"""Each story reaches its end if people act as suggested: over real sockets, with signed interactions."""

from __future__ import annotations

from playground.model.messages import Message
from rules.state.commands import Verb
from tests.bot.demo.visitor import ADAM, GAIL, NORA, OMAR, RITA, ROSS, SENTA, SUSAN, SVEN, Visitor, lines
from tests.bot.slack.editing import typed_edit
from tests.bot.slack.office import CONFIRMED

NOTICE, MAIL, DELETION = "Send enforcement notice draft #456", "Send e-mail", "customer records"
RECEIPT, QUESTION, PLAN = "Tell Quayside Fish", "Which address of Entity ABC", "Inspection plan for week 49"
TAKEOVER, REPORT = "Records of case ABC-2026-131", "Publish report 1"


async def test_the_notice_is_refused_to_requester_guest_owner_and_people_without_the_role(
    visitor: Visitor,
) -> None:
    card = await visitor.card(NOTICE)
    assert "You asked for this, so someone else must approve it." in await visitor.see_refusal(NORA, card)
    assert "Guests cannot decide" in await visitor.see_refusal(GAIL, card)
    assert "You own the agent that proposes this" in await visitor.see_refusal(OMAR, card)
    assert "role to decide this" in await visitor.see_refusal(RITA, card)


async def test_the_notice_is_revised_approved_in_two_roles_and_sent_once(visitor: Visitor) -> None:
    await visitor.give(SENTA, await visitor.card(NOTICE), Verb.REVISE, {"instructions": "Give them 21 days."})
    card = await visitor.card(NOTICE, "Version 2", "deadline_days 14 → 21")
    await visitor.approve(SENTA, card)
    await visitor.wait_for_line("notice-desk", "1 of 2 people have approved")
    await visitor.approve(SUSAN, await visitor.card(NOTICE, "Version 2"))
    document = await visitor.over("notice")
    assert [line for line in document if line.startswith("Sent ")] == [
        "Sent draft-456 to Entity ABC, 4 Quay Street, with 21 days to answer."
    ]
    assert "409 already-claimed" in document[-2]
    assert document[-1] == "A second worker asked for it too and was refused: the notice goes out once."
    assert "Approved by Senta and Susan" in " ".join(document)
    await visitor.card(NOTICE, "carried out")


async def test_two_seniors_are_not_enough_for_the_notice(visitor: Visitor) -> None:
    await visitor.wait_for_line("notice-desk", "0 of 2 people have approved; one of them must be a supervisor.")
    await visitor.approve(SENTA, await visitor.card(NOTICE))
    await visitor.wait_for_line("notice-desk", "1 of 2 people have approved; one of them must be a supervisor.")
    await visitor.approve(SVEN, await visitor.card(NOTICE))
    await visitor.wait_for_line("notice-desk", "2 people have approved, and it still takes a supervisor.")
    await visitor.approve(SUSAN, await visitor.card(NOTICE))
    await visitor.over("notice")


async def test_after_the_supervisors_approval_the_notice_does_not_ask_for_a_supervisor(visitor: Visitor) -> None:
    await visitor.approve(SUSAN, await visitor.card(NOTICE))
    await visitor.wait_for_line("notice-desk", "1 of 2 people have approved.")


async def test_evidence_for_the_notice_is_requested_and_supplied(visitor: Visitor) -> None:
    asked = {"instructions": "Where is the record of May?"}
    await visitor.give(SENTA, await visitor.card(NOTICE), Verb.REQUEST_MORE_EVIDENCE, asked)
    await visitor.slack.click(SENTA, await visitor.card(NOTICE, "Version 2"), "details")
    details = visitor.slack.modal(SENTA)
    assert details is not None
    assert "Inspection of 18 May" in details.shown


async def test_an_email_is_approved_and_sent(visitor: Visitor) -> None:
    await visitor.give(RITA, await visitor.card(MAIL), Verb.APPROVE)
    document = await visitor.over("mail")
    assert "Sent to office@quayside-fish.example: Your permit runs out" in document[-2]


async def test_a_rejected_email_is_not_sent(visitor: Visitor) -> None:
    await visitor.give(ROSS, await visitor.card(MAIL), Verb.REJECT, {"comment": "They renewed it yesterday."})
    document = await visitor.over("mail")
    assert "Rejected by Ross: “They renewed it yesterday.”" in document[-2]
    assert document[-1] == "Did nothing, because there is no permission."


async def test_a_corrected_email_is_sent_as_corrected(visitor: Visitor) -> None:
    corrected = {"to": "fees@quayside-fish.example", "subject": "Your permit", "body": "Renew it."}
    await visitor.give(RITA, await visitor.card(MAIL), Verb.APPROVE_WITH_EDITS)
    view = visitor.slack.modal(RITA)
    assert view is not None
    await visitor.slack.submit(RITA, typed_edit(view, corrected) | {"comment": "Their office has moved."})
    assert (await visitor.slack.submit(RITA, {"confirmed": [CONFIRMED]})).ok
    document = await visitor.over("mail")
    assert "Someone corrected my draft, so I send their version." in document
    assert document[-2] == "Sent to fees@quayside-fish.example: Your permit (9 characters)."


async def test_the_deletion_needs_two_people_who_have_opened_details(visitor: Visitor) -> None:
    card = await visitor.card(DELETION)
    assert "Open Details" in await visitor.see_refusal(SVEN, card)
    await visitor.approve(SVEN, card)
    await visitor.wait_for_line("data-steward", "1 of 2 people have approved")
    await visitor.approve(SUSAN, await visitor.card(DELETION))
    assert (await visitor.over("deletion"))[-2] == "Deleted 1,204 rows of customers, as batch retention-1."


async def test_the_notice_has_the_deadline_that_a_reviewer_names_and_the_words_that_they_add(visitor: Visitor) -> None:
    await visitor.give(SENTA, await visitor.card(NOTICE), Verb.REVISE, {"instructions": "Give them three weeks."})
    card = await visitor.card(NOTICE, "within 21 days")
    await visitor.give(SENTA, card, Verb.REVISE, {"instructions": "Add: “Extensions are possible on request.”"})
    await visitor.card(NOTICE, "of this notice. Extensions are possible on request.")
    parameters = (await visitor.package("notice-desk"))["action_parameters"]
    assert parameters["deadline_days"] == 21
    assert parameters["text"].endswith("within 21 days of this notice. Extensions are possible on request.")


async def test_a_sentence_that_a_reviewer_asks_for_is_in_the_next_draft_of_the_email(visitor: Visitor) -> None:
    asked = {"instructions": "Say that they can renew online."}
    await visitor.give(RITA, await visitor.card(MAIL), Verb.REVISE, asked)
    await visitor.card(MAIL, "by 10 December.", "Say that they can renew online.")
    assert "Say that they can renew online." in (await visitor.package("mail-assistant"))["action_parameters"]["body"]


async def test_a_deletion_that_is_revised_is_smaller(visitor: Visitor) -> None:
    await visitor.give(SVEN, await visitor.card(DELETION), Verb.REVISE, {"instructions": "Leave the two doubtful out."})
    await visitor.card("Delete 1,202 customer records", "Version 2")


async def test_a_low_risk_read_passes_by_itself_and_shows_in_no_channel(visitor: Visitor) -> None:
    document = await visitor.over("reading")
    assert document[1].startswith("Its id is pkg_")
    assert "Approved by policy." in document[2]
    assert document[-1] == "Reported: succeeded"
    posted = [
        message.shown for channel in visitor.slack.workspace.channels for message in visitor.slack.messages(channel)
    ]
    assert [shown for shown in posted if "case-reader" in shown] == []


async def test_no_story_that_starts_by_itself_goes_ahead_by_silence(visitor: Visitor) -> None:
    state = await visitor.state()
    for agent in {story["agent"] for story in state["stories"] if story["started"] and story["begins"]}:
        assert "soft approval" not in await visitor.wait_for_line(agent, "Pending")


async def test_what_silence_lets_pass_waits_until_somebody_opens_it(visitor: Visitor) -> None:
    await visitor.card(NOTICE)
    state = await visitor.state()
    assert [story["name"] for story in state["stories"] if not story["started"]] == ["receipt", "report"]
    assert (await visitor.pass_time(300)).status == 200
    assert lines(await visitor.state(), "appeals-clerk") == []
    assert await visitor.begin("receipt") == 202
    await visitor.card(RECEIPT, "unless someone objects")


async def test_a_receipt_is_sent_after_enough_silence(visitor: Visitor) -> None:
    await visitor.begin("receipt")
    await visitor.card(RECEIPT, "unless someone objects")
    assert (await visitor.pass_time(300)).status == 200
    document = await visitor.over("receipt")
    assert "Nobody objected in time. This is consent by silence, not an approval." in document
    assert document[-2] == "Sent receipt-2 for appeal 301 to Quayside Fish."


async def test_a_receipt_with_an_objection_waits_for_explicit_approval(visitor: Visitor) -> None:
    await visitor.begin("receipt")
    await visitor.give(ROSS, await visitor.card(RECEIPT, "unless someone objects"), Verb.OBJECT)
    await visitor.wait_for_line("appeals-clerk", "Pending, hard approval")
    assert (await visitor.pass_time(3600)).status == 200
    await visitor.give(RITA, await visitor.card(RECEIPT, "decide by"), Verb.APPROVE)
    assert "Approved by Rita" in " ".join(await visitor.over("receipt"))


async def test_a_question_is_answered_and_the_answer_used(visitor: Visitor) -> None:
    await visitor.slack.click(RITA, await visitor.card(QUESTION), "answer_2")
    assert (await visitor.over("question"))[-1] == "Wrote into the draft: “40 Quay Street”"


async def test_an_unanswered_question_leaves_the_address_open(visitor: Visitor) -> None:
    await visitor.give(RITA, await visitor.card(QUESTION), Verb.REJECT, {"comment": "Ask the register."})
    assert "Left the address open" in (await visitor.over("question"))[-1]


async def test_a_plan_is_discussed_revised_twice_and_carried_out(visitor: Visitor) -> None:
    await visitor.give(RITA, await visitor.card(PLAN), Verb.COMMENT, {"comment": "What of the bakeries?"})
    await visitor.give(
        ROSS, await visitor.card(PLAN, "What of the bakeries?"), Verb.REVISE, {"instructions": "Add them."}
    )
    card = await visitor.card(PLAN, "Version 2", "As asked in review: Add them.")
    await visitor.give(RITA, card, Verb.REVISE, {"instructions": "Only ten restaurants."})
    card = await visitor.card(PLAN, "Version 3", "Add them.", "Only ten restaurants.")
    await visitor.give(ROSS, card, Verb.APPROVE)
    assert (await visitor.over("plan"))[-2] == "Entered week 49 into the calendar, in 5 steps."


async def test_while_a_person_has_taken_over_the_agent_leaves_the_thread_alone(
    visitor: Visitor,
) -> None:
    card = await visitor.card(TAKEOVER)
    assert "approve" not in card.action_ids
    await visitor.give(RITA, card, Verb.TAKE_OVER, {"comment": "I call the inspector."})
    await visitor.wait_for_line("triage-agent", "409 thread-taken-over")
    await visitor.give(RITA, await visitor.card(TAKEOVER, "Rita"), Verb.HAND_BACK, {"comment": "It is a minor breach."})
    assert (await visitor.over("takeover"))[-2] == (
        "Added a note to case ABC-2026-131: “Classified by Rita: I call the inspector.”"
    )


async def test_a_report_of_two_agents_is_held_corrected_published_by_half_and_rolled_back(visitor: Visitor) -> None:
    await visitor.begin("report")
    card = await visitor.card(REPORT, "report-writer", "In 2025 we inspected")
    await control_thread(visitor, card, "thread_hold", {"comment": "The year is wrong."})
    await visitor.wait_for_line("research-agent", "report-writer", "Reason: The year is wrong.")
    await control_thread(visitor, card, "thread_resume", {"instructions": "The inspections were in 2026."})
    card = await visitor.card(REPORT, "Version 2", "In 2026 we inspected")
    await visitor.give(RITA, card, Verb.APPROVE)
    card = await visitor.card(REPORT, "failed", "The website took the title page")
    await visitor.give(RITA, card, Verb.ASK_ROLLBACK, {"comment": "Take it down."})
    assert (await visitor.over("report"))[-2:] == [
        "report-writer: Took the half-published report down.",
        "report-writer: Reported: rolled back",
    ]


async def test_a_report_that_people_let_try_again_is_published(visitor: Visitor) -> None:
    await visitor.begin("report")
    await visitor.give(RITA, await visitor.card(REPORT), Verb.APPROVE)
    card = await visitor.card(REPORT, "failed")
    await visitor.give(SENTA, card, Verb.ALLOW_RETRY, {"comment": "It answers again."})
    assert "report-writer: Published report 1, as approved." in await visitor.over("report")


async def control_thread(visitor: Visitor, card: Message, button: str, words: dict[str, str]) -> None:
    await visitor.slack.click(RITA, card, "details")
    await visitor.slack.click_modal(RITA, button)
    await visitor.slack.submit(RITA, words)
    await visitor.slack.close(RITA, everything=True)


async def test_an_agent_that_an_admin_paused_says_so_and_goes_on_when_it_is_resumed(visitor: Visitor) -> None:
    card = await visitor.card(MAIL)
    await visitor.slack.command(ADAM, "/reviews", "pause mail-assistant")
    await visitor.give(RITA, card, Verb.APPROVE)
    await visitor.wait_for_line("mail-assistant", "agent-paused")
    await visitor.slack.command(ADAM, "/reviews", "resume mail-assistant")
    assert "Sent to office@quayside-fish.example" in (await visitor.over("mail"))[-2]


async def test_a_finished_story_starts_again_with_new_ids_and_a_running_one_does_not(visitor: Visitor) -> None:
    await visitor.over("reading")
    assert await visitor.begin("reading") == 202
    await visitor.wait_for_line("case-reader", "Read 14 documents of case ABC-2026-119")
    assert [await visitor.begin("notice"), await visitor.begin("nonsense")] == [409, 404]


async def test_every_agent_reports_something_and_none_fails(visitor: Visitor) -> None:
    await visitor.begin("receipt")
    await visitor.begin("report")
    for agent in (
        "notice-desk",
        "mail-assistant",
        "data-steward",
        "appeals-clerk",
        "drafting-agent",
        "planning-agent",
        "research-agent",
    ):
        await visitor.wait_for_line(agent, "Pending")
    state = await visitor.state()
    assert all(lines(state, agent["name"]) for agent in state["agents"])
    assert [line for agent in state["agents"] for line in agent["lines"] if line["kind"] == "error"] == []
