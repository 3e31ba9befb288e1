"""Steps about messages: what Slack accepts, what it shows, and which of two changes wins.

Most steps post something and ask the operator whether it looks as described, because the API does not tell what people
see. `table` says what each step expects.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from blocks.home.stats import chart
from blocks.kit.elements import actions, header, section, statement
from blocks.kit.limits import HEADER
from blocks.kit.message import Message
from bot.cli.common.session import now
from bot.cli.doctor.live_run.results import Result, as_expected, as_expected_if, differs, error_word, not_tried
from bot.cli.doctor.live_run.run import LiveRun
from scheduler.common.messenger import SlackError

TOMORROW = timedelta(days=1)
CHART = {"type": "pie", "segments": [{"label": "approve", "value": 3}, {"label": "reject", "value": 1}]}
SKIPPED = not_tried("skipped")


async def try_markup(run: LiveRun) -> Result:
    parts = "bold, and a date and time in your time zone" + (", and the user group as a mention" if run.group else "")
    question = f"Above is a line of service text. Expected: the word bold is {parts}."
    return await run.ask(question, [section(_marked_up(now() + TOMORROW, run.group))])


def _marked_up(at: datetime, group: str | None) -> str:
    date = f"<!date^{int(at.timestamp())}^{{date_short_pretty}} at {{time}}|no date>"
    return f"*bold*, {date}" + (f", <!subteam^{group}>" if group else "")


async def try_wide_header(run: LiveRun) -> Result:
    await run.post(Message("A header of 150 emoji", (header("🙂" * HEADER),)))
    return as_expected()


async def try_chart(run: LiveRun) -> Result:
    await run.post(Message("A chart", (chart("Decisions", CHART),)))
    return await run.ask("Expected: above is a pie chart, in this app and on a phone.")


async def try_private_chart(run: LiveRun) -> Result:
    arrival = await run.press("Press the button to get an answer that only you see.", "Show me a chart")
    if arrival is None:
        return SKIPPED
    await run.slack.whisper(arrival.response_url, Message("A chart", (chart("Decisions", CHART),)))
    return await run.ask("Expected: you alone see a pie chart, in this app and on a phone.")


async def try_replacement(run: LiveRun) -> Result:
    arrival = await run.press("Press the button. This message then changes twice.", "Change it")
    if arrival is None:
        return SKIPPED
    changed = run.posted[-1]
    await run.slack.respond(arrival.response_url, _sentence("First change, by the click's own address."))
    await run.update(changed, _sentence("Second change, by chat.update."))
    return await run.ask('Expected: the message above says "Second change, by chat.update."')


def _sentence(text: str) -> Message:
    return Message(text, (statement(text),))


async def try_direct_message(run: LiveRun) -> Result:
    await run.post(_sentence("A direct message of the live run."), run.operator)
    return await run.ask("Expected: a direct message of the app has arrived, and Slack notified you.")


async def try_permalink(run: LiveRun) -> Result:
    posted = await run.post(_sentence("This message is deleted at once."))
    await run.slack.permalink(posted)
    await run.delete(posted)
    try:
        await run.slack.permalink(posted)
    except SlackError as fault:
        return as_expected_if(fault.error == "message_not_found", f"after its deletion: {error_word(fault)}")
    return differs("Slack still gives a link after the deletion")


async def try_click(run: LiveRun) -> Result:
    """Read the click with which the run began."""
    arrival = run.begun
    if arrival is None:
        return not_tried("nothing was pressed")
    faults = [fact for fact, fits in _facts_of_click(run, arrival.body).items() if not fits]
    return as_expected_if(not faults, "; ".join(faults), _delay(arrival.at, arrival.body))


def _facts_of_click(run: LiveRun, body: Any) -> dict[str, bool]:
    ours, message = run.installed.team_id, body.get("message") or {}
    return {
        "`user.team_id` is not the workspace of the app": (body.get("user") or {}).get("team_id") == ours,
        "`team.id` is not the workspace of the app": (body.get("team") or {}).get("id") == ours,
        "`message` is not the message with the button": message.get("ts") == run.posted[0].ts,
        "there is no `response_url`": bool(body.get("response_url")),
    }


def _delay(arrived: float, body: Any) -> str:
    return f"arrived {arrived - float(body['actions'][0]['action_ts']):.1f} s after the press, by two clocks"


async def try_phone(run: LiveRun) -> Result:
    return await run.ask(
        "Look at the critical card above on a phone."
        ' Expected: all of it is visible, with its buttons and without "See more".'
    )


def begin_message(run: LiveRun) -> Message:
    text = "countersign doctor --live: a guided test of this app. Press Begin if you will answer its questions."
    return Message(text, (statement(text), actions([run.button("Begin", "begin")])))
