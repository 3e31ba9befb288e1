"""The words of agents and people reach Slack as plain text: they mention nobody, link nowhere and stay in their frames.

The stand-in refuses what Slack refuses, and reports whom a message would have notified.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from playground.api.mentions import find_mentions
from playground.model.elements import visible_text
from playground.model.messages import Message
from playground.model.views import View
from tests.bot.slack.office import ADAM, CHANNEL, DECIDERS, RITA, SENTA, SOFT, SVEN, Office

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

# A text, and what of it people can read.
TEXTS = [
    pytest.param("<!channel> look here", "<!channel> look here", id="a channel mention"),
    pytest.param("<!here|here> and @everyone", "<!here|here> and @everyone", id="a mention of everyone"),
    pytest.param("<@USVEN> says yes", "<@USVEN> says yes", id="a mention"),
    pytest.param("<!subteam^S0SENIORS> agree", "<!subteam^S0SENIORS> agree", id="a mention of a group"),
    pytest.param("<https://evil.example|https://good.example>", "evil.example", id="a link under another name"),
    pytest.param("[ok](https://evil.example) https://evil.example", "evil.example", id="a bare link"),
    pytest.param("*bold* _it_ ~no~ `code` ```box``` > quote", "*bold* _it_ ~no~ `code` ```box``` > quote", id="mrkdwn"),
    pytest.param("```\nend of box\n```\n> quote\n>>> more", "end of box", id="fences over lines"),
    pytest.param(
        "&lt;!channel&gt; &amp; <!date^1^{date}|x>", "&lt;!channel&gt; &amp; <!date^1^{date}|x>", id="escapes"
    ),
    pytest.param("\u202edrawkcab\u202c and \u2067on\u2069", "drawkcab and on", id="direction marks"),
    pytest.param("re\u200bject\ufeff th\u2060is", "reject this", id="characters of no width"),
    pytest.param("Countersign checked", "Countersign checked", id="the service's heading"),
    pytest.param("fine.\n\nCountersign checked\nRisk: low", "Countersign checked", id="the service's lines"),
    pytest.param("Approved by Senta", "Approved by Senta", id="a decision"),
    pytest.param(":white_check_mark: :rotating_light:", ":white_check_mark: :rotating_light:", id="emoji codes"),
    pytest.param("Z" + 60 * "\u0316\u0317" + "algo", "algo", id="stacked accents"),
]
HARMFUL_KEYS = {"url", "image_url", "title_url", "agent_prompt", "workflow", "slack_file", "text_url"}
FRAMES = {"rich_text_quote", "rich_text_preformatted"}


def package_with_text(text: str) -> dict[str, Any]:
    """A package with this text in every text field."""
    return SOFT | {
        "title": text[:150],
        "risk_level": "high",
        "action_parameters": {text: {text: [text]}},
        "proposed_action": text,
        "rationale": text,
        "subject_type": text,
        "subject_id": text,
        "subject_url": "https://evil.example/path",
        "evidence_refs": [{"id": text, "title": text, "url": "https://evil.example/proof", "excerpt": text}, text],
        "known_uncertainties": [text, text],
        "alternatives": [text],
        "policy_basis": [text],
        "dissent": [{"by": text, "position": text, "reason": text}],
        "material_change": text,
        "side_effect_preview": {text: text},
        "consequence": text,
        "downstream_impact": text,
        "rollback_plan": text,
        "run_id": text,
        "checkpoint_id": text,
        "metadata": {text: text},
    }


def objects_in(it: Any) -> Iterator[Mapping[str, Any]]:
    """All objects in some blocks, at any depth."""
    match it:
        case list() | tuple():
            for item in it:
                yield from objects_in(item)
        case Mapping():
            yield it
            for item in it.values():
                yield from objects_in(item)
        case _:
            pass


def foreign_objects(blocks: Any) -> Iterator[Mapping[str, Any]]:
    """All but the service's own link to the card, which leads nowhere else."""
    own = re.compile(r"https://stand-in\.slack\.com/archives/[CD][A-Z0-9]+/p\d+")
    for element in objects_in(blocks):
        if element.get("text") != "Open card" or not own.fullmatch(str(element.get("url"))):
            yield element


def beyond_the_frames(blocks: Any) -> str:
    """The text that Slack shows as the service's own: outside quotes, boxes and the header's title."""
    match blocks:
        case list() | tuple():
            return "\n".join(beyond_the_frames(element) for element in blocks)
        case {"type": kind} if kind in FRAMES | {"header", "button", "overflow"}:
            return ""
        case {"type": "rich_text" | "rich_text_section", "elements": elements}:
            return beyond_the_frames(elements)
        case Mapping():
            return visible_text([{name: element for name, element in blocks.items() if name != "accessory"}])
        case _:
            return ""


def assert_harmless(blocks: Any, text: str) -> None:
    for element in foreign_objects(blocks):
        assert HARMFUL_KEYS.isdisjoint(element), element
        assert element.get("type") not in ("link", "broadcast", "markdown", "image", "emoji", "channel"), element
        assert element.get("type") != "mrkdwn" or (element["verbatim"] and "evil.example" not in element["text"]), (
            element
        )
    for line in text.split("\n"):
        assert not line.strip() or line.strip() not in beyond_the_frames(blocks).split("\n"), line


def whole(view: View | None) -> View:
    assert view is not None
    return view


async def pages(office: Office, user: str, card: Message) -> list[View]:
    """All pages of Details."""
    pages_read = [await office.details(user, card)]
    while (label := f"Page {len(pages_read) + 1}") in pages_read[-1].labels:
        button = next(element for element in pages_read[-1].elements if element.label == label)
        await office.slack.click_modal(user, "page", block_id=button.block_id)
        pages_read.append(whole(office.slack.modal(user)))
    await office.slack.close(user)
    return pages_read


def posted_messages(office: Office) -> list[Message]:
    return office.slack.messages(CHANNEL)


# What an agent says.


@pytest.mark.parametrize(("text", "seen"), TEXTS)
async def test_an_agents_words_mention_nobody_link_nowhere_and_stay_framed(
    office: Office, text: str, seen: str
) -> None:
    _, card = await office.submit_with_card(package_with_text(text))
    assert seen in card.shown
    assert_harmless(card.blocks, text)
    assert (card.mentioned, card.notified) == (DECIDERS, DECIDERS)
    assert (card.unfurl_links, card.unfurl_media) == (False, False)
    details = await pages(office, SENTA, card)
    assert seen in "\n".join(view.shown for view in details)
    for view in details:
        assert_harmless(view.blocks, text)


async def test_an_agent_cannot_imitate_the_services_own_lines(office: Office) -> None:
    """A package that repeats the service's own lines."""
    _, harmless = await office.submit_with_card(package_with_text("Plain words."))
    own = Counter(beyond_the_frames(harmless.blocks).split("\n"))
    assert len(own) > 15
    for number, line in enumerate(own):
        _, card = await office.submit_with_card(
            package_with_text(line.strip() or "–") | {"title": "Ask", "subject_id": f"{number} {line}"[:200]}
        )
        assert Counter(beyond_the_frames(card.blocks).split("\n"))[line] <= own[line], line


@pytest.mark.parametrize(("text", "seen"), TEXTS)
async def test_forms_notes_and_lists_keep_hostile_words_framed_too(office: Office, text: str, seen: str) -> None:
    response, card = await office.submit_with_card(package_with_text(text))
    await office.click(SENTA, card, "approve")
    form = whole(office.slack.modal(SENTA))
    assert seen in form.shown
    assert_harmless(form.blocks, text)
    await office.slack.close(SENTA)
    await office.version(response, package_with_text(text) | {"rationale": f"{text} Once more."})
    for word in ("mine", "queue", f"show {response.id}", f"audit {response.id}"):
        (answer,) = (await office.slack.command(ADAM, "/reviews", word)).notes
        assert_harmless(answer.blocks, text)
        assert answer.notified == frozenset()
    await office.slack.open_home(SENTA)
    assert_harmless(whole(await office.slack.until(lambda: office.slack.home(SENTA))).blocks, text)
    await office.card(response)
    assert len(posted_messages(office)) == 2
    for message in posted_messages(office):
        assert_harmless(message.blocks, text)
        assert (message.mentioned, message.notified) == (DECIDERS, DECIDERS)


@pytest.mark.parametrize(("text", "seen"), TEXTS)
async def test_an_agents_message_is_literal_text_in_the_thread_and_in_details(
    office: Office, text: str, seen: str
) -> None:
    response, card = await office.submit_with_card(SOFT | {"risk_level": "high"})
    assert (await office.post(f"/v1/packages/{response.id}/messages", {"text": text})).status == 201
    await office.card(response)
    (note,) = office.slack.thread(CHANNEL, card.ts)
    assert seen in note.shown
    assert_harmless(note.blocks, text)
    assert (note.mentioned, note.notified) == (frozenset(), frozenset())
    assert find_mentions(note.text, []) == frozenset()
    details = await pages(office, SVEN, card)
    assert seen in "\n".join(view.shown for view in details)
    for view in details:
        assert_harmless(view.blocks, text)


async def test_a_soft_card_mentions_nobody_whatever_it_contains(office: Office) -> None:
    _, card = await office.submit_with_card(SOFT | {"title": "<!channel> <@USVEN>", "rationale": "<!here>"})
    assert (card.mentioned, card.notified) == (frozenset(), frozenset())


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\u2028"], ids=["LF", "CRLF", "LS"])
async def test_ten_thousand_lines_do_not_push_the_buttons_away(office: Office, newline: str) -> None:
    wall = f"begin{10_000 * newline}end"
    long = f"begin{(7_900 // len(newline)) * newline}end"
    package = package_with_text("Read it.") | {
        "rationale": long,
        "rollback_plan": long,
        "action_parameters": {"wall": wall},
    }
    _, card = await office.submit_with_card(package)
    assert card.shown.count("\n") < 200
    assert "Approve" in card.labels
    details = await pages(office, SENTA, card)
    assert max(view.shown.count("\n\n\n") for view in details) == 0
    assert "begin" in "\n".join(view.shown for view in details)


async def test_the_largest_package_is_shown_completely_over_several_pages(office: Office) -> None:
    names = ["action_parameters", "side_effect_preview", "metadata"]
    marks = {name: [f"{name[:4]}-{number:04}" for number in range(2_000)] for name in names}
    large = {name: dict.fromkeys(marks[name], 12 * "x") for name in names}
    words = [f"word-{number:04}" for number in range(700)]
    response = await office.submit(
        package_with_text("Much.") | large | {"rationale": " ".join(words), "rollback_plan": 8_000 * "y"}
    )
    assert (response.status, len(str(large)) > 150_000) == (202, True)
    card = await office.card(response)
    details = await pages(office, SENTA, card)
    everything = "\n".join(view.shown for view in details)
    assert [mark for element in (*marks.values(), words) for mark in element if mark not in everything] == []
    assert [seen.page for seen in (await office.state(response)).details] == list(range(1, len(details) + 1))


# What people and agents are called.


@pytest.mark.parametrize(("text", "seen"), TEXTS)
async def test_a_name_is_only_a_name(office: Office, text: str, seen: str) -> None:
    name = " ".join(text.split())[:60]
    office.key = await office.hire(name)
    office.slack.change_person(SENTA, name=name)
    await office.slack.event(office.slack.person_event(SENTA))
    response, card = await office.submit_with_card(SOFT | {"risk_level": "high"})
    assert (card.mentioned, card.notified) == (DECIDERS, DECIDERS)
    await office.click(SENTA, card, "reject")
    assert (await office.slack.submit(SENTA, {"comment": "No."})).errors == {}
    settled = await office.card(response)
    assert len(office.slack.thread(CHANNEL, card.ts)) == 1
    for message in posted_messages(office):
        _assert_calls_nobody(message.blocks)
    _assert_calls_nobody([view.blocks for view in await pages(office, SENTA, settled)])
    await office.click(SVEN, card, "approve", old_copy=True)
    refusal = office.slack.modal(SVEN)
    assert refusal is not None
    assert find_mentions("", refusal.blocks) == {SENTA}
    await office.slack.open_home(SENTA)
    _assert_calls_nobody(whole(await office.slack.until(lambda: office.slack.home(SENTA))).blocks)


def _assert_calls_nobody(blocks: Any) -> None:
    """Except the one line in which the service mentions the people it asks."""
    for element in foreign_objects(blocks):
        assert HARMFUL_KEYS.isdisjoint(element), element
        assert element.get("type") not in ("link", "broadcast", "user", "usergroup", "markdown"), element
        assert element.get("type") != "mrkdwn" or "evil.example" not in element["text"], element
        assert element.get("type") != "mrkdwn" or "<!channel>" not in element["text"], element
        assert element.get("type") != "mrkdwn" or "<@" not in element["text"], element


# What reviewers write.


@pytest.mark.parametrize(("text", "seen"), TEXTS)
@pytest.mark.parametrize(("verb", "field"), [("reject", "comment"), ("revise", "instructions")])
async def test_a_reviewers_comment_is_literal_text_on_the_card_in_the_thread_and_in_details(
    office: Office, verb: str, field: str, text: str, seen: str
) -> None:
    response, card = await office.submit_with_card(SOFT | {"risk_level": "high"})
    await office.click(SENTA, card, verb)
    assert (await office.slack.submit(SENTA, {field: text})).errors == {}
    settled = await office.card(response)
    (note,) = office.slack.thread(CHANNEL, card.ts)
    for message in (settled, note):
        assert seen in message.shown
        assert_harmless(message.blocks, text)
    assert (note.mentioned, note.notified) == (frozenset(), frozenset())
    details = await pages(office, SVEN, settled)
    assert seen in "\n".join(view.shown for view in details)
    for view in details:
        assert_harmless(view.blocks, text)
    decision = (await office.read(response)).body["decision"]
    assert (decision["decision"], decision[field]) == (verb, text.strip())


@pytest.mark.parametrize(("text", "seen"), TEXTS)
async def test_text_typed_after_reviews_mentions_nobody(office: Office, text: str, seen: str) -> None:
    for word in ("", "show ", "stats ", "away ", "assign ", "audit ", "pause ", "resume "):
        outcome = await office.slack.command(ADAM, "/reviews", word + text)
        assert (outcome.status, outcome.error) == (200, None)
        (note,) = outcome.notes
        assert note.notified == frozenset()
        assert note.mentioned <= {SVEN}
        for element in foreign_objects(note.blocks):
            assert HARMFUL_KEYS.isdisjoint(element), element
            assert element.get("type") not in ("link", "broadcast", "usergroup", "markdown", "mrkdwn"), element


async def test_the_longest_comment_is_shortened_on_the_card_and_complete_in_details(office: Office) -> None:
    words = [f"word-{number:04}" for number in range(300)]
    response, card = await office.submit_with_card(SOFT)
    await office.details(RITA, card)
    await office.slack.click_modal(RITA, "comment")
    assert (await office.slack.submit(RITA, {"comment": " ".join(words)})).errors == {}
    card = await office.card(response)
    assert words[0] in card.shown
    assert words[-1] not in card.shown
    assert (" in Details" in card.shown, "…" in card.shown) == (True, True)
    everything = "\n".join(view.shown for view in await pages(office, RITA, card))
    assert [word for word in words if word not in everything] == []
