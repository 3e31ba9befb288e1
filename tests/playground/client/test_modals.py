"""Modals: opening, stacking, typing, submitting, and the app's answers to submissions."""

from __future__ import annotations

from typing import Any

import pytest
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from playground.slack import NotPossibleError, Slack, View
from tests.playground.app import actions, button, error_of, field, modal, plain, refusal_of, section

Json = dict[str, Any]
OPTIONS = [{"text": plain("High"), "value": "high"}, {"text": plain("Low"), "value": "low"}]
GROUPS = [{"label": plain("All"), "options": OPTIONS}]


async def open_modal(client: AsyncWebClient, slack: Slack, view: Json, user: str = "UANN") -> View:
    trigger = slack.workspace.triggers.give(user)
    await client.views_open(trigger_id=trigger, view=view)
    view_in_front = slack.modal(user)
    assert view_in_front is not None
    return view_in_front


async def push_modal(client: AsyncWebClient, slack: Slack, view: Json) -> None:
    await client.views_push(trigger_id=slack.workspace.triggers.give("UANN"), view=view)


@pytest.fixture
def answers(app: AsyncApp) -> list[Json]:
    """The app's answers to submissions, one after the other, then empty answers."""
    answers: list[Json] = []

    @app.view("form")
    async def listen(ack: Any) -> None:
        await ack(**(answers.pop(0) if answers else {}))

    return answers


async def test_typed_values_are_sent(client: AsyncWebClient, slack: Slack, answers: list[Json]) -> None:
    form = modal(
        field("why"),
        field("level", "static_select", options=OPTIONS),
        field("who", "users_select"),
        field("all", "multi_static_select", options=OPTIONS, optional=True),
        field("until", "datepicker", optional=True, initial_date="2026-12-01"),
        private_metadata="pkg_1",
    )
    view = await open_modal(client, slack, form)
    outcome = await slack.submit("UANN", {"why": "Because.", "level_field": "low", "who": "UBEN"})
    payload = outcome.payload
    assert payload["type"] == "view_submission"
    assert payload["team"] == {"id": "T1", "domain": "stand-in"}
    assert (payload["view"]["id"], payload["view"]["hash"]) == (view.id, view.hash)
    assert (payload["view"]["callback_id"], payload["view"]["private_metadata"]) == ("form", "pkg_1")
    assert (payload["view"]["root_view_id"], payload["view"]["previous_view_id"]) == (view.id, None)
    assert payload["view"]["state"]["values"] == {
        "why": {"why_field": {"type": "plain_text_input", "value": "Because."}},
        "level": {"level_field": {"type": "static_select", "selected_option": OPTIONS[1]}},
        "who": {"who_field": {"type": "users_select", "selected_user": "UBEN"}},
        "all": {"all_field": {"type": "multi_static_select", "selected_options": []}},
        "until": {"until_field": {"type": "datepicker", "selected_date": "2026-12-01"}},
    }
    assert (outcome.error, slack.modal("UANN")) == (None, None)


async def test_the_client_asks_for_required_inputs(client: AsyncWebClient, slack: Slack, answers: list[Json]) -> None:
    await open_modal(client, slack, modal(field("why", min_length=3, max_length=5), field("more", optional=True)))
    with pytest.raises(NotPossibleError, match="'why_field' must be filled in"):
        await slack.submit("UANN", {"why": ""})
    with pytest.raises(NotPossibleError, match="3 to 5 characters, not 6"):
        await slack.submit("UANN", {"why": "abcdef"})
    with pytest.raises(NotPossibleError, match="3 to 5 characters, not 2"):
        await slack.submit("UANN", {"why": "ab"})
    with pytest.raises(NotPossibleError, match="0 inputs are called 'how'"):
        await slack.submit("UANN", {"how": "abcd"})
    assert (await slack.submit("UANN", {"why": "abcd"})).status == 200


@pytest.mark.parametrize(
    ("kind", "limits", "typed"),
    [
        ("number_input", {"is_decimal_allowed": False}, "1.5"),
        ("number_input", {"is_decimal_allowed": True, "max_value": "2"}, "2.5"),
        ("email_text_input", {}, "nobody"),
        ("url_text_input", {}, "javascript:alert(1)"),
        ("plain_text_input", {}, "two\nlines"),
    ],
    ids=["whole", "at-most", "address", "link", "one-line"],
)
async def test_an_input_accepts_only_its_own_type(
    kind: str, limits: Json, typed: str, client: AsyncWebClient, slack: Slack
) -> None:
    await open_modal(client, slack, modal(field("it", kind, **limits)))
    with pytest.raises(NotPossibleError):
        slack.type_in("UANN", {"it": typed})


@pytest.mark.parametrize(
    ("element", "choice", "held"),
    [
        ({"kind": "radio_buttons", "options": OPTIONS}, "High", {"selected_option": OPTIONS[0]}),
        ({"kind": "checkboxes", "options": OPTIONS}, ["low", "high"], {"selected_options": OPTIONS[::-1]}),
        ({"kind": "static_select", "option_groups": GROUPS}, "low", {"selected_option": OPTIONS[1]}),
        ({"kind": "multi_users_select"}, ["UANN", "UBEN"], {"selected_users": ["UANN", "UBEN"]}),
        ({"kind": "conversations_select"}, "C1", {"selected_conversation": "C1"}),
        ({"kind": "channels_select"}, "C1", {"selected_channel": "C1"}),
        ({"kind": "datepicker"}, "2026-12-01", {"selected_date": "2026-12-01"}),
        ({"kind": "timepicker"}, "09:30", {"selected_time": "09:30"}),
        ({"kind": "datetimepicker"}, 1_800_000_000, {"selected_date_time": 1_800_000_000}),
        ({"kind": "number_input", "is_decimal_allowed": False, "min_value": "1"}, 7, {"value": "7"}),
        ({"kind": "plain_text_input", "multiline": True}, "two\nlines", {"value": "two\nlines"}),
    ],
    ids=lambda value: value.get("kind", "") if isinstance(value, dict) else "",
)
async def test_each_kind_of_input_has_its_own_field(
    element: Json, choice: Any, held: Json, client: AsyncWebClient, slack: Slack
) -> None:
    await open_modal(client, slack, modal(field("it", **element)))
    with pytest.raises(NotPossibleError, match="'it_field' must be filled in"):
        await slack.submit("UANN")
    outcome = await slack.submit("UANN", {"it": choice})
    assert outcome.payload["view"]["state"]["values"] == {"it": {"it_field": {"type": element["kind"], **held}}}


@pytest.mark.parametrize(
    ("kind", "more", "choice"),
    [
        ("static_select", {"options": OPTIONS}, "middle"),
        ("multi_static_select", {"options": OPTIONS, "max_selected_items": 1}, ["low", "high"]),
    ],
)
async def test_only_offered_menu_options_can_be_chosen(
    kind: str, more: Json, choice: Any, client: AsyncWebClient, slack: Slack
) -> None:
    await open_modal(client, slack, modal(field("it", kind, **more)))
    with pytest.raises(NotPossibleError):
        slack.type_in("UANN", {"it": choice})


async def test_a_submitted_modal_may_be_closed_before_the_answer(
    client: AsyncWebClient, slack: Slack, app: AsyncApp
) -> None:
    @app.view("form")
    async def listen(ack: Any) -> None:
        await slack.close("UANN")
        await ack(response_action="errors", errors={"why": "Too late."})

    await open_modal(client, slack, modal(field("why")))
    outcome = await slack.submit("UANN", {"why": "x"})
    assert (outcome.status, outcome.errors, slack.modals("UANN")) == (200, {}, [])


async def test_a_late_answer_leaves_the_modal_as_it_is(client: AsyncWebClient, slack: Slack, app: AsyncApp) -> None:
    gate = slack.faults.hold("auth.test", times=None)
    slack.ack_within = 0.05
    view = await open_modal(client, slack, modal(field("why")))
    assert (await slack.submit("UANN", {"why": "x"})).error == "operation_timeout"
    assert [view.id for view in slack.modals("UANN")] == [view.id]
    gate.open()


async def test_a_modal_without_a_submit_button_cannot_be_sent(client: AsyncWebClient, slack: Slack) -> None:
    view = modal(section("Only to read."))
    del view["submit"]
    await open_modal(client, slack, view)
    with pytest.raises(NotPossibleError, match="no button"):
        await slack.submit("UANN")
    with pytest.raises(NotPossibleError, match="no modal is open in front of UBEN"):
        await slack.submit("UBEN")


async def test_errors_are_shown_below_their_inputs_and_the_modal_stays(
    client: AsyncWebClient, slack: Slack, answers: list[Json]
) -> None:
    view = await open_modal(client, slack, modal(section("Why?", block_id="head"), field("why")))
    answers.append({"response_action": "errors", "errors": {"why": "Say more."}})
    outcome = await slack.submit("UANN", {"why": "No."})
    assert (outcome.error, outcome.errors) == (None, {"why": "Say more."})
    standing = slack.modal("UANN")
    assert standing is not None
    assert (standing.id, standing.errors) == (view.id, {"why": "Say more."})
    assert (await slack.submit("UANN")).errors == {}


@pytest.mark.parametrize(
    "answer",
    [
        {"response_action": "errors", "errors": {"head": "No input."}},
        {"response_action": "errors", "errors": {"elsewhere": "No block."}},
        {"response_action": "update", "view": {"type": "modal"}},
        {"response_action": "explode"},
    ],
    ids=["no-input", "no-block", "no-view", "no-such-action"],
)
async def test_a_malformed_submission_answer_is_shown_as_an_error(
    answer: Json, client: AsyncWebClient, slack: Slack, answers: list[Json]
) -> None:
    await open_modal(client, slack, modal(section("Why?", block_id="head"), field("why")))
    answers.append(answer)
    outcome = await slack.submit("UANN", {"why": "No."})
    assert (outcome.error, outcome.errors) == ("trouble_connecting", {})
    assert slack.modal("UANN") is not None


async def test_a_submission_answer_updates_the_modal_or_pushes_another(
    client: AsyncWebClient, slack: Slack, answers: list[Json]
) -> None:
    first = await open_modal(client, slack, modal(field("why")))
    answers.extend(
        [
            {"response_action": "update", "view": modal(field("how"))},
            {"response_action": "push", "view": modal(section("Sure?"))},
            {"response_action": "clear"},
        ]
    )
    await slack.submit("UANN", {"why": "Because."})
    (changed,) = slack.modals("UANN")
    assert (changed.id, changed.action_ids) == (first.id, ["how_field"])
    assert changed.hash != first.hash
    outcome = await slack.submit("UANN", {"how": "So."})
    assert [view.shown for view in outcome.views] == ["Sure?"]
    assert [view.previous_id for view in slack.modals("UANN")] == [None, first.id]
    await slack.submit("UANN")
    assert slack.modals("UANN") == []


async def test_an_empty_answer_closes_only_what_was_sent(
    client: AsyncWebClient, slack: Slack, answers: list[Json]
) -> None:
    first = await open_modal(client, slack, modal(section("Below.")))
    await push_modal(client, slack, modal(section("Above.")))
    await slack.submit("UANN")
    assert [view.id for view in slack.modals("UANN")] == [first.id]


async def test_at_most_three_modals_are_stacked(client: AsyncWebClient, slack: Slack) -> None:
    await open_modal(client, slack, modal(section("1")))
    await push_modal(client, slack, modal(section("2")))
    await push_modal(client, slack, modal(section("3")))
    trigger = slack.workspace.triggers.give("UANN")
    assert await error_of(client.views_push(trigger_id=trigger, view=modal(section("4")))) == "push_limit_reached"
    trigger = slack.workspace.triggers.give("UBEN")
    assert await error_of(client.views_push(trigger_id=trigger, view=modal(section("1")))) == "not_found"


async def test_an_update_with_an_old_hash_is_refused(client: AsyncWebClient, slack: Slack) -> None:
    view = await open_modal(client, slack, modal(section("Loading")))
    answer = await client.views_update(view_id=view.id, hash=view.hash, view=modal(section("Loaded")))
    assert answer["view"]["hash"] != view.hash
    late = client.views_update(view_id=view.id, hash=view.hash, view=modal(section("Late")))
    assert await error_of(late) == "hash_conflict"
    assert [view.shown for view in slack.modals("UANN")] == ["Loaded"]


async def test_typed_values_survive_an_update_of_the_view(
    client: AsyncWebClient, slack: Slack, answers: list[Json]
) -> None:
    view = await open_modal(client, slack, modal(field("why"), field("how")))
    slack.type_in("UANN", {"why": "Because."})
    await client.views_update(view_id=view.id, view=modal(field("why"), field("who")))
    outcome = await slack.submit("UANN", {"who": "Ann"})
    values = outcome.payload["view"]["state"]["values"]
    assert {block: entry[f"{block}_field"]["value"] for block, entry in values.items()} == {
        "why": "Because.",
        "who": "Ann",
    }


async def test_a_closed_view_is_not_found(client: AsyncWebClient, slack: Slack, app: AsyncApp) -> None:
    view = await open_modal(client, slack, modal(section("Read this.")))
    assert not (await slack.close("UANN")).sent
    assert await error_of(client.views_update(view_id=view.id, view=modal(section("Late")))) == "not_found"


async def test_closing_is_reported_if_the_view_asks_for_it(client: AsyncWebClient, slack: Slack, app: AsyncApp) -> None:
    received: list[Json] = []

    @app.view_closed("form")
    async def listen(ack: Any, body: Json) -> None:
        await ack()
        received.append(body)

    await open_modal(client, slack, modal(section("1"), notify_on_close=True))
    await push_modal(client, slack, modal(section("2"), notify_on_close=True, clear_on_close=True))
    await slack.close("UANN")
    assert slack.modals("UANN") == []
    assert [(payload["type"], payload["is_cleared"]) for payload in received] == [("view_closed", True)] * 2


async def test_a_click_in_a_modal_carries_the_typed_values(client: AsyncWebClient, slack: Slack, app: AsyncApp) -> None:
    received: list[Json] = []

    @app.action("next")
    async def listen(ack: Any, body: Json) -> None:
        await ack()
        received.append(body)

    view = await open_modal(client, slack, modal(field("why"), actions(button("next"))))
    await slack.click_modal("UANN", "next", values={"why": "Because."})
    (payload,) = received
    assert payload["container"] == {"type": "view", "view_id": view.id}
    assert payload["view"]["state"]["values"]["why"]["why_field"]["value"] == "Because."
    assert "response_url" not in payload
    await client.views_push(trigger_id=payload["trigger_id"], view=modal(section("Page 2")))
    assert len(slack.modals("UANN")) == 2


async def test_an_input_reaches_the_app_at_once_only_with_dispatch_action(
    client: AsyncWebClient, slack: Slack, app: AsyncApp
) -> None:
    @app.action("level_field")
    async def listen(ack: Any) -> None:
        await ack()

    level = field("level", "static_select", options=OPTIONS)
    view = await open_modal(client, slack, modal(level))
    with pytest.raises(NotPossibleError, match="only when the modal is submitted"):
        await slack.click_modal("UANN", "level_field", option="low")
    await client.views_update(view_id=view.id, view=modal(level | {"dispatch_action": True}))
    outcome = await slack.click_modal("UANN", "level_field", option="low")
    assert outcome.ok
    assert outcome.payload["actions"][0]["selected_option"] == OPTIONS[1]
    assert outcome.payload["view"]["state"]["values"]["level"]["level_field"]["selected_option"] == OPTIONS[1]


async def test_a_strangers_submission_names_their_workspace(
    client: AsyncWebClient, slack: Slack, answers: list[Json]
) -> None:
    await open_modal(client, slack, modal(section("Hello.")), user="USTR")
    outcome = await slack.submit("USTR")
    assert outcome.status == 200
    assert outcome.payload["team"]["id"] == "TFOREIGN"
    assert outcome.payload["view"]["team_id"] == "TFOREIGN"
    assert outcome.payload["view"]["app_installed_team_id"] == "T1"


async def test_options_are_requested_while_typing(client: AsyncWebClient, slack: Slack, app: AsyncApp) -> None:
    @app.options("who_field")
    async def listen(ack: Any, payload: Json) -> None:
        await ack(options=[{"text": plain(payload["value"]), "value": payload["value"]}])

    await open_modal(client, slack, modal(field("who", "external_select")))
    outcome = await slack.suggest("UANN", "who_field", "ann")
    assert outcome.body["options"][0]["value"] == "ann"


async def test_an_invalid_view_is_refused_with_a_pointer(client: AsyncWebClient, slack: Slack) -> None:
    trigger = slack.workspace.triggers.give("UANN")
    answer = await refusal_of(client.views_open(trigger_id=trigger, view=modal(section("x" * 3001))))
    assert answer["error"] == "invalid_arguments"
    assert "[json-pointer:" in answer["response_metadata"]["messages"][0]
    large = modal(*(section("x" * 3000) for _ in range(90)))
    assert await error_of(client.views_open(trigger_id=trigger, view=large)) == "view_too_large"
    await client.views_open(trigger_id=trigger, view=modal(section("The trigger is still good.")))


async def test_an_external_id_must_be_unique(client: AsyncWebClient, slack: Slack) -> None:
    await open_modal(client, slack, modal(section("1"), external_id="mine"))
    trigger = slack.workspace.triggers.give("UBEN")
    second = client.views_open(trigger_id=trigger, view=modal(section("2"), external_id="mine"))
    assert await error_of(second) == "duplicate_external_id"
    await client.views_update(external_id="mine", view=modal(section("3"), external_id="mine"))
    assert [view.shown for view in slack.modals("UANN")] == ["3"]
