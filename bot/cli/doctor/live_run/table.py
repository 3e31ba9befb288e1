"""Every step, in the order in which they are tried, and what one command cannot try."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import NamedTuple

from bot.cli.common.command_error import CommandError
from bot.cli.doctor.live_run import card_steps, message_steps, view_steps, workspace_steps
from bot.cli.doctor.live_run.results import Result
from bot.cli.doctor.live_run.run import LiveRun
from bot.cli.doctor.live_run.samples import LARGEST, PENDING

ACCEPTED = "Slack accepts it"


class Step(NamedTuple):
    name: str
    expected: str
    attempt: Callable[[LiveRun], Awaitable[Result]]


STEPS = (
    Step("scopes", "auth.test names the token's scopes in x-oauth-scopes", workspace_steps.try_scopes),
    Step("hello", "Socket Mode's hello counts one connection", workspace_steps.try_hello),
    Step("click", "a click names the app's workspace, the message and a response_url", message_steps.try_click),
    Step("markup", "bold, dates and user groups are rendered in verbatim text", message_steps.try_markup),
    *(Step(f"card: {name}", ACCEPTED, partial(card_steps.try_card, name=name)) for name in PENDING),
    Step("card on a phone", "the buttons are visible without See more", message_steps.try_phone),
    Step("card: decided", "chat.update turns a pending card into a decided one", card_steps.try_decision),
    *(Step(name, ACCEPTED, partial(card_steps.try_largest, name=name)) for name in LARGEST),
    Step("blocks.validate", "Slack's own validator finds no fault in any card", card_steps.try_validation),
    Step("header of 150 emoji", ACCEPTED, message_steps.try_wide_header),
    Step("chart", "a message shows a chart, also on a phone", message_steps.try_chart),
    Step("private chart", "an answer that only one person sees shows a chart", message_steps.try_private_chart),
    Step("view at once", "a view opens right after a click", view_steps.try_view_at_once),
    Step("view after 2 s", "a view opens two seconds after a click", view_steps.try_view_soon),
    Step("view after 4 s", "Slack answers expired_trigger_id", view_steps.try_view_late),
    Step("stack of views", "three views stack, an old hash is refused, one answer closes all", view_steps.try_stack),
    Step("two changes", "chat.update wins over an earlier replace_original", message_steps.try_replacement),
    Step("direct message", "a message to a person's id arrives and notifies", message_steps.try_direct_message),
    Step("permalink", "a deleted message has no permalink (message_not_found)", message_steps.try_permalink),
    Step("people", "users.list accepts an empty cursor", workspace_steps.try_people),
    Step("user group", "its members, or a plain refusal if there are no groups", workspace_steps.try_group),
    Step("slash command", "a typed mention arrives as <@ID>", workspace_steps.try_command),
)

# What one command cannot try, and how to look at it.
BY_HAND = {
    "Socket Mode over a day": "leave `serve` running for a day and read its `socket.` events",
    "two replicas": "start `serve` twice on one PostgreSQL, click ten times and compare their logs",
    "an archived channel": "archive a channel of the policy; within a minute an admin is told",
    "a shared or converted channel": "make a private channel of the policy public and watch where its cards go",
    "guests": "let a guest press Approve; the answer says why they cannot",
    "Slack Connect": "let someone of another company press Approve; the answer says why they cannot",
    "an uninstalled app": "uninstall the app; `/readyz` says that Slack refuses the token",
    "a screen reader": "let one read a pending card: can you decide from what it says?",
}


def steps_named(names: Sequence[str]) -> tuple[Step, ...]:
    """These steps, or all of them if none is named."""
    if unknown := set(names) - {step.name for step in STEPS}:
        known = "; ".join(step.name for step in STEPS)
        raise CommandError(f"there is no step {', '.join(sorted(unknown))}; the steps are: {known}")
    return tuple(step for step in STEPS if not names or step.name in names)
