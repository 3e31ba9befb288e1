"""Steps about the product's own cards: Slack accepts each of them, and the change from pending to decided.

The cards are drawn from `samples`, as the service would draw them. A step is as expected if Slack takes the message;
one that Slack refuses raises `SlackError`, which `command` reports.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from aiohttp import ClientError

from blocks.kit.message import Message
from bot.cli.common.session import now
from bot.cli.doctor.live_run.results import Result, as_expected, as_expected_if, not_tried
from bot.cli.doctor.live_run.run import LiveRun
from bot.cli.doctor.live_run.samples import HARD, Samples


def samples_of(run: LiveRun) -> Samples:
    return Samples(run.operator, run.installed.bot_user_id, now())


async def try_card(run: LiveRun, name: str) -> Result:
    await run.post(samples_of(run).pending(name))
    return as_expected()


async def try_largest(run: LiveRun, name: str) -> Result:
    await run.post(samples_of(run).largest(name))
    return as_expected()


async def try_decision(run: LiveRun) -> Result:
    """Pending and decided cards mix the same block types in another order."""
    samples = samples_of(run)
    await run.update(await run.post(samples.pending(HARD)), samples.decided())
    return as_expected()


async def try_validation(run: LiveRun) -> Result:
    """`blocks.validate` needs no token, so none is sent."""
    faults: list[str] = []
    for name, message in samples_of(run).all_cards().items():
        answer = await _validate(run, message)
        if not (answer.get("ok") or answer.get("errors")):
            return not_tried(_why_not(answer))
        faults += [f"{name}: {_codes(answer)}"] if answer.get("errors") else []
    return as_expected_if(not faults, "; ".join(faults))


async def _validate(run: LiveRun, message: Message) -> Mapping[str, Any]:
    """Slack's answer; empty without one."""
    session, form = run.web.session, {"blocks": json.dumps(message.blocks)}
    if session is None:
        return {}
    try:
        async with session.post(f"{run.web.base_url}blocks.validate", data=form) as response:
            answer = await response.json()
    except (ClientError, TimeoutError, OSError, ValueError):
        return {}
    return answer if isinstance(answer, dict) else {}


def _why_not(answer: Mapping[str, Any]) -> str:
    word = answer.get("error")
    return f"Slack answers {str(word)[:60]} to blocks.validate" if word else "blocks.validate cannot be reached"


def _codes(answer: Mapping[str, Any]) -> str:
    return ", ".join(str(error.get("code") if isinstance(error, dict) else error)[:60] for error in answer["errors"])
