"""Approved content was shown in full: if a card cannot show a package completely, the form does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from blocks.card.rendering import fingerprint
from bot.audit.export import export_jsonl
from bot.keys import SigningKey
from playground.model.views import View
from rules.people.directory import Actor, ActorKind
from rules.reasons import Reason
from rules.state.commands import Approve, HumanOverrideCommand, OverrideDecision
from rules.state.model import Status
from store.store import Store
from tests.bot.service import Response
from tests.bot.slack.forms import APPROVED, before, renderings, shown_json, submit_forged
from tests.bot.slack.office import CRITICAL, HARD, RITA, SENIORS_FOR_ALL, SENTA, SOFT, Office, open_office
from tests.rules.world import ask

sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

MANY = {f"name_{number:02}": f"{number}: a value of a line" * 2 for number in range(41)}
LONG = {"body": "\n".join(f"line {number} of a long letter" for number in range(2_000))}
OF_41 = HARD | {"action_parameters": MANY}
OF_3_STEPS = HARD | {"action_parameters": LONG}
OF_2_PAGES = CRITICAL | {"action_parameters": {"body": "b" * 120_000, "last": "the end"}}
SOFT_OF_41 = SOFT | {"action_parameters": MANY}
EVERY_LINE = [f'{name}: "{value}"' for name, value in MANY.items()]


async def step_to(office: Office, label: str, user: str = SENTA) -> View:
    """Press Next or Back in the open form."""
    (button,) = [element.data for element in before(office, user).elements if element.label == label]
    await office.slack.click_modal(user, "step", having_value=button["value"])
    return before(office, user)


async def read_to_the_end(office: Office, user: str = SENTA) -> list[View]:
    steps = [before(office, user)]
    while "Next" in steps[-1].labels:
        steps.append(await step_to(office, "Next", user))
    return steps


async def one_tap(office: Office, proposal: Response, user: str) -> Reason | None:
    """An approval without a form, as a forged click would make it, executed by the real store."""
    state = await office.state(proposal)
    return await refusal_reason(office, ask(Approve, state, rendering_id=f"rnd_{'0' * 32}"), user)


async def refusal_reason(office: Office, command: Any, user: str) -> Reason | None:
    assert office.running.service.store is not None
    store: Store = office.running.service.store
    outcome = await store.execute(command, Actor(kind=ActorKind.PERSON, actor_id=user))
    return outcome.refusal.reason if outcome.refusal else None


async def test_the_41st_parameter_is_in_the_form_and_in_what_the_vote_records(office: Office) -> None:
    proposal, card = await office.submit_with_card(OF_41)
    assert "Shortened: 1,040 of 2,153 characters shown. Approve shows all of it." in card.shown
    assert EVERY_LINE[40] not in card.shown
    await office.click(SENTA, card, "approve")
    assert [line for line in EVERY_LINE if line not in before(office).shown] == []
    await office.slack.submit(SENTA, APPROVED)
    state = await office.state(proposal)
    assert state.status is Status.APPROVED
    (vote,) = state.votes
    assert state.decision is not None
    assert vote.rendering_ids == state.decision.rendering_ids
    (shown,) = await renderings(office, *vote.rendering_ids)
    assert [line for line in EVERY_LINE if json.dumps(line)[1:-1] not in shown] == []


async def test_the_export_holds_what_each_voter_was_shown_and_the_id_proves_it(office: Office) -> None:
    _, card = await office.submit_with_card(OF_41)
    await office.click(SENTA, card, "approve")
    await office.slack.submit(SENTA, APPROVED)
    key, now = SigningKey(Ed25519PrivateKey.generate()), office.clock()
    lines = await office.world.read(lambda connection: list(export_jsonl(connection, key, now)))
    exported = [json.loads(line) for line in lines]
    shown = [line["words"]["shown"] for line in exported if "shown" in (line.get("words") or {})]
    (state,) = [line["state"] for line in exported if line.get("kind") == "state"]
    assert [fingerprint(view) for view in shown] == state["votes"][0]["rendering_ids"]
    assert [line for line in EVERY_LINE if json.dumps(line)[1:-1] not in json.dumps(shown)] == []


@sqlite
async def test_a_card_shows_twenty_parameters_in_full_and_one_tap_approves_them(office: Office) -> None:
    twenty = {f"name_{number:02}": number for number in range(20)}
    proposal, card = await office.submit_with_card(
        SOFT | {"action_parameters": twenty, "subject_type": "order", "subject_id": "7"}
    )
    assert [name for name, value in twenty.items() if f"{name}: {value}" not in card.shown] == []
    assert "Shortened" not in card.shown
    await office.click(RITA, card, "approve")
    assert await office.status(proposal) is Status.APPROVED


@sqlite
async def test_a_soft_package_with_21_lines_is_hard_from_the_start(office: Office) -> None:
    proposal, card = await office.submit_with_card(SOFT | {"action_parameters": dict(list(MANY.items())[:21])})
    assert proposal.body["level"] == "hard_approval"
    assert "not-shown-whole" in [why["rule"] for why in proposal.body["why"]]
    assert "the card cannot show all of it, so silence is not consent" in card.shown
    assert "object" not in card.action_ids


@sqlite
async def test_approve_opens_the_form_even_if_one_tap_is_enough(office: Office) -> None:
    proposal, card = await office.submit_with_card(SOFT_OF_41)
    await office.click(RITA, card, "approve")
    assert await office.status(proposal) is Status.PENDING
    await office.slack.submit(RITA)
    assert await office.status(proposal) is Status.APPROVED


@sqlite
async def test_a_forged_one_tap_approval_of_content_that_was_not_fully_shown_is_refused(office: Office) -> None:
    proposal, _ = await office.submit_with_card(SOFT_OF_41)
    assert await one_tap(office, proposal, RITA) is Reason.NOT_SHOWN_WHOLE
    assert await office.status(proposal) is Status.PENDING
    assert await office.refusals(proposal) == [(RITA, "not-shown-whole")]


@sqlite
async def test_content_shown_to_one_reviewer_does_not_count_for_another(office: Office) -> None:
    proposal, card = await office.submit_with_card(SOFT_OF_41)
    await office.click(SENTA, card, "approve")
    assert await one_tap(office, proposal, RITA) is Reason.NOT_SHOWN_WHOLE
    assert await one_tap(office, proposal, SENTA) is None


@sqlite
async def test_an_override_to_proceed_needs_the_whole_form_and_one_to_stop_does_not(office: Office) -> None:
    proposal, _ = await office.submit_with_card(SOFT_OF_41)
    state = await office.state(proposal)
    override = ask(HumanOverrideCommand, state, override_decision=OverrideDecision.PROCEED)
    assert await refusal_reason(office, override, RITA) is Reason.NOT_SHOWN_WHOLE
    stop = ask(HumanOverrideCommand, state, override_decision=OverrideDecision.STOP)
    assert await refusal_reason(office, stop, RITA) is None


async def test_a_long_form_has_steps_and_only_the_last_can_be_submitted(office: Office) -> None:
    proposal, card = await office.submit_with_card(OF_3_STEPS)
    await office.click(SENTA, card, "approve")
    steps = await read_to_the_end(office)
    assert [bool(step.definition.get("submit")) for step in steps] == [False, False, True]
    assert [f"Step {number} of 3" in step.shown for number, step in enumerate(steps, 1)] == [True] * 3
    everything = "\n".join(step.shown for step in steps)
    assert [line for line in LONG["body"].split("\n") if f"│ {line}\n" not in everything + "\n"] == []
    await office.slack.submit(SENTA, APPROVED)
    (vote,) = (await office.state(proposal)).votes
    kept = await renderings(office, *vote.rendering_ids)
    assert [f"Step {number} of 3" in body for number, body in enumerate(kept, 1)] == [True] * 3


@sqlite
async def test_a_form_can_be_turned_back(office: Office) -> None:
    _, card = await office.submit_with_card(OF_3_STEPS)
    await office.click(SENTA, card, "approve")
    first = before(office).shown
    await step_to(office, "Next")
    assert (await step_to(office, "Back")).shown == first


@sqlite
async def test_skipping_a_step_prevents_approval(office: Office) -> None:
    proposal, card = await office.submit_with_card(OF_3_STEPS)
    await office.click(SENTA, card, "approve")
    (button,) = [element for element in before(office).elements if element.action_id == "step"]
    value = button.data["value"]
    client, view = office.slack.client, before(office)
    forged_value = {**button.data, "value": f"3{value[1:]}"}
    action = client.payloads.action(button, {}) | {"value": forged_value["value"]}
    await client._send(SENTA, client.payloads.on_view(client.person(SENTA), view, action), button)
    assert "Step 3 of 3" in before(office).shown
    await office.slack.submit(SENTA, APPROVED)
    assert "go through all steps of the form" in shown_json(office)
    assert await office.refusals(proposal) == [(SENTA, "not-shown-whole")]
    assert await office.status(proposal) is Status.PENDING


@sqlite
async def test_a_forged_submission_of_the_first_step_is_refused(office: Office) -> None:
    proposal, card = await office.submit_with_card(OF_3_STEPS)
    await office.click(SENTA, card, "approve")
    (value,) = [element.data["value"] for element in before(office).elements if element.action_id == "step"]
    state = await office.state(proposal)
    typed = {
        "comment": {"comment": {"type": "plain_text_input", "value": "Checked."}},
        "confirmed": {"confirmed": {"type": "checkboxes", "selected_options": [{"value": state.action_digest}]}},
    }
    answer = await submit_forged(office, private_metadata=value.partition(" ")[2], state={"values": typed})
    assert "go through all steps of the form" in json.dumps(answer.body)
    assert await office.status(proposal) is Status.PENDING


@sqlite
async def test_steps_of_version_1_do_not_approve_version_2(office: Office) -> None:
    proposal, card = await office.submit_with_card(OF_3_STEPS)
    await office.click(SENTA, card, "approve")
    await read_to_the_end(office)
    await office.version(proposal, OF_3_STEPS | {"action_parameters": LONG | {"to": "somebody else"}})
    await office.slack.submit(SENTA, APPROVED)
    assert "Version 1 is out of date" in shown_json(office)
    assert await one_tap(office, proposal, SENTA) is Reason.NOT_SHOWN_WHOLE


@sqlite
async def test_a_form_for_an_old_version_does_not_switch_to_the_new_version(office: Office) -> None:
    proposal, card = await office.submit_with_card(OF_3_STEPS)
    await office.click(SENTA, card, "approve")
    await office.version(proposal, OF_3_STEPS | {"action_parameters": LONG | {"to": "somebody else"}})
    await step_to(office, "Next")
    assert "Version 1 is out of date" in shown_json(office)
    assert (await office.state(proposal)).forms == ()


@sqlite
async def test_details_first_requires_every_page_with_parameters(database_url: str, tmp_path: Path) -> None:
    async with open_office(database_url, tmp_path, SENIORS_FOR_ALL) as office:
        proposal, card = await office.submit_with_card(OF_2_PAGES)
        await office.details(SENTA, card)
        await office.slack.close(SENTA)
        await office.click(SENTA, card, "approve")
        assert "every page of what is proposed" in await office.refused(SENTA)
        await office.details(SENTA, card)
        (following,) = [element.data["value"] for element in before(office).elements if element.action_id == "page"]
        await office.slack.click_modal(SENTA, "page", having_value=following)
        await office.slack.close(SENTA)
        await office.click(SENTA, card, "approve")
        await read_to_the_end(office)
        await office.slack.submit(SENTA, APPROVED)
        assert [vote.reviewer_id for vote in (await office.state(proposal)).votes] == [SENTA]


@sqlite
async def test_the_answer_form_shows_the_whole_question(office: Office) -> None:
    asked = SOFT | {"kind": "question", "action_parameters": MANY, "proposed_action": "Which of these is right?"}
    proposal, card = await office.submit_with_card(asked)
    assert "Answer shows all of it." in card.shown
    await office.click(RITA, card, "answer")
    assert [line for line in EVERY_LINE if line not in before(office, RITA).shown] == []
    await office.slack.submit(RITA, {"answer": "The last."})
    state = await office.state(proposal)
    assert (state.status, state.decision is not None and len(state.decision.rendering_ids)) == (Status.APPROVED, 1)


@sqlite
async def test_parameters_that_no_form_can_show_are_refused_at_submission(office: Office) -> None:
    deep: Any = list(range(7_000))
    for _ in range(25):
        deep = [deep]
    proposal = await office.submit(HARD | {"action_parameters": {"deep": deep}})
    assert proposal.problem == (422, "too-long-to-show")
    assert [error["field"] for error in proposal.body["errors"]] == ["action_parameters"]
