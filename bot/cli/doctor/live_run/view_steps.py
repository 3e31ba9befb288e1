"""Steps about views: how long a trigger lasts, how deep views stack, and what closes them.

The times are those that Slack documents: a trigger lasts three seconds. Each step begins with a button, because only a
click of a person gives a trigger.
"""

from __future__ import annotations

import asyncio
from typing import Any

from blocks.kit.elements import plain
from bot.cli.doctor.live_run.arrivals import CLEAR, Arrival
from bot.cli.doctor.live_run.results import Result, as_expected, as_expected_if, differs, error_word, not_tried
from bot.cli.doctor.live_run.run import LiveRun, plain_view
from scheduler.common.messenger import SlackError

SOON, LATE = 2.0, 4.0  # before and after the three seconds that a trigger lasts
EXPIRED = ("expired_trigger_id", "trigger_expired")


async def try_view_at_once(run: LiveRun) -> Result:
    return await _opened_after(run, 0)


async def try_view_soon(run: LiveRun) -> Result:
    return await _opened_after(run, SOON)


async def _opened_after(run: LiveRun, seconds: float) -> Result:
    arrival = await _pressed_and_waited(run, seconds)
    if arrival is None:
        return not_tried("skipped")
    await run.open_view(arrival, plain_view(run.arrivals.id_of("shown"), "This view opened. Close it."))
    return as_expected()


async def try_view_late(run: LiveRun) -> Result:
    arrival = await _pressed_and_waited(run, LATE)
    if arrival is None:
        return not_tried("skipped")
    try:
        await run.open_view(arrival, plain_view(run.arrivals.id_of("shown"), "This view opened late. Close it."))
    except SlackError as fault:
        word = error_word(fault)
        return as_expected_if(word in EXPIRED, f"Slack answers {word}", word)
    return differs("the view opened")


async def _pressed_and_waited(run: LiveRun, seconds: float) -> Arrival | None:
    when = f"after {seconds:g} seconds" if seconds else "at once"
    arrival = await run.press(f"Press the button. A view is opened {when}.", "Open it")
    await asyncio.sleep(seconds if arrival else 0)
    return arrival


async def try_stack(run: LiveRun) -> Result:
    """Three views, one above the other; the hash of the last one goes stale; its form closes all of them."""
    arrival = await run.press("Press the button, then Next in each view. Then press Close all.", "Open it")
    if arrival is None:
        return not_tried("skipped")
    first, second = run.unique("next"), run.unique("next")
    run.arrivals.expect(first)
    await run.open_view(arrival, _view_with_next(run, "View 1 of 3.", first))
    arrival = await run.arrivals.first()
    run.arrivals.expect(second)
    await run.push_view(arrival, _view_with_next(run, "View 2 of 3.", second))
    arrival = await run.arrivals.first()
    run.arrivals.expect(CLEAR)
    stale = await _stale_hash_refusal(run, await run.push_view(arrival, _last_view(run, "View 3 of 3.")))
    await run.arrivals.first()
    closed = await run.ask("Expected: all three views are closed.")
    return closed if stale == "hash_conflict" else differs(f"an update with an old hash: {stale}; {closed.verdict}")


async def _stale_hash_refusal(run: LiveRun, view: dict[str, Any]) -> str:
    await run.update_view(view["id"], view["hash"], _last_view(run, "View 3 of 3, changed. Press Close all."))
    try:
        await run.update_view(view["id"], view["hash"], _last_view(run, "View 3 of 3, changed twice."))
    except SlackError as fault:
        return error_word(fault)
    return "accepted"


def _view_with_next(run: LiveRun, text: str, name: str) -> dict[str, Any]:
    return plain_view(run.arrivals.id_of("shown"), text, run.button("Next", name))


def _last_view(run: LiveRun, text: str) -> dict[str, Any]:
    return plain_view(run.arrivals.id_of(CLEAR), text, submit=plain("Close all", 24))
