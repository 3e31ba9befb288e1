"""Steps about the token, the connection, people and the slash command.

They ask Slack and need no person, but for `try_command`, in which the operator types a slash command.
"""

from __future__ import annotations

import re

from bot.cli.doctor.live_run.arrivals import COMMAND_NAME
from bot.cli.doctor.live_run.results import Result, as_expected, as_expected_if, error_word, not_tried
from bot.cli.doctor.live_run.run import SKIP, LiveRun
from bot.slack.outgoing.scopes import SCOPES
from scheduler.common.messenger import SlackError

NO_GROUP = "S0000000000"  # no group has this id
GROUP_REFUSALS = ("no_such_subteam", "plan_upgrade_required")
_ESCAPED = re.compile(r"<@[UW][A-Z0-9]+(\|[^<>]*)?>")


async def try_scopes(run: LiveRun) -> Result:
    missing = sorted(SCOPES - run.installed.scopes)
    return as_expected_if(not missing, f"x-oauth-scopes lacks {', '.join(missing)}")


async def try_hello(run: LiveRun) -> Result:
    if run.socket is None:
        return not_tried("Slack calls over HTTP here")
    count = run.socket.announced
    return as_expected_if(count == 1, f"num_connections is {count}: does `countersign serve` run?")


async def try_people(run: LiveRun) -> Result:
    people, _ = await run.slack.people("")
    return as_expected_if(people, "the first page is empty", f"{len(people)} on the first page")


async def try_group(run: LiveRun) -> Result:
    try:
        members = await run.slack.group(run.group or NO_GROUP)
    except SlackError as fault:
        word = error_word(fault)
        return as_expected_if(not run.group and word in GROUP_REFUSALS, f"Slack answers {word}", word)
    return as_expected(f"{len(members)} members")


async def try_command(run: LiveRun) -> Result:
    skipped = run.unique("skipped")
    instruction = "Type /reviews live @someone in this channel, with a person whose name has a space."
    run.arrivals.expect(COMMAND_NAME, skipped)
    await run.ask_for(instruction, [run.button(SKIP, skipped)])
    arrival = await run.arrivals.first()
    if arrival.name == skipped:
        return not_tried("skipped")
    text = str(arrival.body.get("text") or "").removeprefix("live").strip()
    return as_expected_if(_ESCAPED.fullmatch(text), f"the mention arrived as {text[:80]!r}")
