"""A restarted demo continues: cards, clock and agents. `fresh` starts from scratch."""

from __future__ import annotations

from pathlib import Path

from playground.model.messages import Message
from rules.state.commands import Verb
from tests.bot.demo.test_stories import DELETION, MAIL, NOTICE, PLAN, REPORT
from tests.bot.demo.visitor import PATIENCE, RITA, ROSS, SENTA, SUSAN, Visitor, lines, running, visiting


async def test_messages_are_restored_without_duplicate_cards(tmp_path: Path) -> None:
    async with visiting(tmp_path) as first:
        card = await first.card(NOTICE)
        await first.give(SENTA, card, Verb.COMMENT, {"comment": "I know the place."})
        card = await first.card(NOTICE, "I know the place.")
        await first.slack.until(lambda: _notes_of(first, card))
        before = _message_places(first)
    async with visiting(tmp_path) as second:
        assert _message_places(second) == before
        assert (await second.card(NOTICE)).shown == card.shown


def _notes_of(visitor: Visitor, card: Message) -> list[Message]:
    """The notes in the card's thread: the comment is told there too."""
    notes = visitor.slack.thread(card.channel, card.ts)
    return [note for note in notes if "I know the place." in note.shown]


def _message_places(visitor: Visitor) -> list[tuple[str, str]]:
    channels = visitor.slack.workspace.channels
    return sorted((message.channel, message.ts) for channel in channels for message in visitor.slack.messages(channel))


async def test_an_unfinished_decision_is_completed_after_the_restart(tmp_path: Path) -> None:
    async with visiting(tmp_path) as first:
        await first.approve(SENTA, await first.card(NOTICE))
        await first.wait_for_line("notice-desk", "1 of 2 people have approved")
    async with visiting(tmp_path) as second:
        await second.approve(SUSAN, await second.card(NOTICE))
        document = await second.over("notice")
        assert len([line for line in document if line.startswith("Sent draft-456")]) == 1
        assert any(line.startswith("Was started again") for line in document)


async def test_an_agent_finds_decisions_made_while_it_was_away(tmp_path: Path) -> None:
    async with visiting(tmp_path) as first:
        card = await first.card(MAIL)
        await first.demo.stage.close()
        await first.give(RITA, card, Verb.APPROVE)
        await first.card(MAIL, "approved")
    async with visiting(tmp_path) as second:
        assert "Sent to office@quayside-fish.example" in (await second.over("mail"))[-2]


async def test_a_request_made_before_the_restart_is_in_the_plan_after_it(tmp_path: Path) -> None:
    async with visiting(tmp_path) as first:
        await first.give(RITA, await first.card(PLAN), Verb.REVISE, {"instructions": "Add the bakeries."})
        await first.card(PLAN, "Version 2")
    async with visiting(tmp_path) as second:
        card = await second.card(PLAN, "Version 2")
        await second.give(ROSS, card, Verb.REVISE, {"instructions": "Only ten restaurants."})
        await second.card(PLAN, "Version 3", "Add the bakeries.", "Only ten restaurants.")


async def test_a_report_that_failed_before_the_restart_is_rolled_back_after_it(tmp_path: Path) -> None:
    async with visiting(tmp_path) as first:
        await first.begin("report")
        await first.give(RITA, await first.card(REPORT), Verb.APPROVE)
        await first.card(REPORT, "failed")
    async with visiting(tmp_path) as second:
        card = await second.card(REPORT, "failed")
        await second.give(RITA, card, Verb.ASK_ROLLBACK, {"comment": "Take it down."})
        document = await second.over("report")
        assert document[-1] == "report-writer: Reported: rolled back"
        assert len([line for line in document if "Half of the report is published." in line]) == 1


async def test_a_finished_story_stays_finished_and_keeps_its_lines(tmp_path: Path) -> None:
    async with visiting(tmp_path) as first:
        document = await first.over("reading")
    async with visiting(tmp_path) as second:
        state = await second.state()
        assert (running(state)["reading"], lines(state, "case-reader")) == (False, document)


async def test_time_that_was_moved_stays_moved(tmp_path: Path) -> None:
    async with visiting(tmp_path) as first:
        await first.pass_time(3600)
    async with visiting(tmp_path) as second:
        assert (await second.state())["moved_seconds"] == 3600


async def test_mails_are_restored_and_not_sent_again(tmp_path: Path) -> None:
    async with visiting(tmp_path) as first:
        await first.slack.until(lambda: _mails_of_rita(first), PATIENCE)
        before = _mails_of_rita(first)
    async with visiting(tmp_path) as second:
        await second.card(NOTICE)
        assert _mails_of_rita(second) == before


def _mails_of_rita(visitor: Visitor) -> list[str]:
    letters = visitor.demo.mailbox.of(["rita@northport.example"])
    return [letter.headers["Message-ID"] for letter in letters]


async def test_a_line_cut_off_by_a_crash_loses_only_itself(tmp_path: Path) -> None:
    async with visiting(tmp_path) as first:
        await first.card(DELETION)
    with (tmp_path / "messages.jsonl").open("a") as journal:
        journal.write('{"channel": "C0DATA", "ts": "17')
    async with visiting(tmp_path) as second:
        assert (await second.card(DELETION)).ts == first.slack.messages("C0DATA")[0].ts


async def test_a_deleted_message_stays_deleted(tmp_path: Path) -> None:
    async with visiting(tmp_path) as first:
        card = await first.card(MAIL)
        first.slack.workspace.messages.delete(card)
    async with visiting(tmp_path) as second:
        assert second.slack.workspace.messages.find(card.channel, card.ts) is None


async def test_fresh_starts_from_scratch(tmp_path: Path) -> None:
    async with visiting(tmp_path) as first:
        await first.pass_time(3600)
        card = await first.card(NOTICE)
    async with visiting(tmp_path, fresh=True) as second:
        assert (await second.state())["moved_seconds"] == 0
        assert (await second.card(NOTICE)).ts > card.ts
        assert second.slack.workspace.messages.find(card.channel, card.ts) is None
