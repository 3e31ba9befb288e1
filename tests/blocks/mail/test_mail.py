"""What mails say, and where their links lead."""

from __future__ import annotations

import pytest

from blocks.mail.listed import LISTED
from blocks.mail.mail import Mail, compose_mail
from blocks.mail.matter import Matter
from rules.mail.reasons import MailReason
from tests.blocks.conftest import GoldenText
from tests.blocks.dossiers import dossier, emptied_dossier
from tests.blocks.mail.letters import (
    CARD,
    FAILED,
    HARD,
    SOFT,
    TAKEOVER,
    every_mail,
    facts_of_html,
    facts_of_text,
    matter,
    read_html,
)
from tests.rules.world import package

MAILS = dict(every_mail())
each_mail = pytest.mark.parametrize("mail", MAILS.values(), ids=MAILS)


@pytest.mark.parametrize("name", MAILS)
def test_each_mail_looks_like_its_golden(name: str, golden_text: GoldenText) -> None:
    mail = MAILS[name]
    golden_text(f"mail/{name}.txt", f"Subject: {mail.subject}\n\n{mail.text}")
    golden_text(f"mail/{name}.html", mail.html)


def test_each_reason_has_a_mail() -> None:
    assert MAILS.keys() >= set(MailReason)


@each_mail
def test_text_and_html_say_the_same(mail: Mail) -> None:
    assert facts_of_text(mail) == facts_of_html(mail)


@each_mail
def test_nothing_in_a_mail_acts_or_is_fetched(mail: Mail) -> None:
    tags = read_html(mail.html).tags
    assert {name for name, _ in tags} <= {
        *("html", "head", "meta", "title", "body", "div", "h1", "h2", "p", "a"),
        *("blockquote", "pre", "ul", "li", "strong", "em", "code"),
    }
    assert {key for _, attributes in tags for key in attributes} <= {
        *("lang", "style", "charset", "name", "content", "dir", "href", "rel"),
    }
    assert {attributes["href"] for name, attributes in tags if name == "a"} <= {CARD}
    assert "url(" not in mail.html


@each_mail
def test_each_mail_says_how_to_turn_mails_off(mail: Mail) -> None:
    assert "You can turn off all mails except takeovers in Countersign's Home in Slack." in mail.text


@pytest.mark.parametrize("name", [name for name in MAILS if name not in ("uninstalled", "wordless")])
def test_a_mail_says_that_it_cannot_decide_before_it_says_what_it_is_about(name: str) -> None:
    text = MAILS[name].text
    assert 0 <= text.index("You cannot decide by mail") < text.index("=====") - 50


def test_a_subject_has_no_details_unless_the_policy_shows_titles() -> None:
    assert compose_mail([TAKEOVER]).subject == "An agent asks you to take over"
    shown = compose_mail([TAKEOVER], show_title=True)
    assert shown.subject == "Take over: Send the enforcement notice to ACME Ltd"


def test_the_takeover_package_comes_first_and_whole() -> None:
    text = compose_mail([TAKEOVER]).text
    stopped = text[text.index("Where the agent stopped") : text.index("Exactly what is proposed")]
    for words in ("two addresses are on file", "name different addresses", "Drafted notice 456", "Ask ACME"):
        assert words in stopped
    assert text.index("Where the agent stopped") < 700


def test_a_list_has_the_highest_risk_first_then_the_earliest_deadline() -> None:
    text = compose_mail([SOFT, HARD, TAKEOVER]).text
    assert text.index("1. 🔴 High risk · Take over") < text.index("2. 🔴 High risk · Waiting")
    assert text.index("2. 🔴") < text.index("3. 🟡 Medium risk")


def test_a_list_counts_what_it_leaves_out() -> None:
    text = compose_mail([SOFT] * (LISTED + 2), more=978).text
    assert "1000 decisions wait for you" in text
    assert "980 more packages" in text
    assert text.count("Change the delivery address") == LISTED


def test_one_package_beside_many_others_is_a_list() -> None:
    assert "2 decisions wait for you" in compose_mail([SOFT], more=1).text


def test_without_a_card_that_the_person_sees_the_mail_names_home() -> None:
    text = compose_mail([HARD]).text
    assert "Open Countersign's Home in Slack." in text
    assert "https://" not in text


def test_a_mail_about_a_failure_offers_its_three_answers() -> None:
    assert "choose Allow a retry, Ask for rollback or Close" in compose_mail([FAILED]).text


def test_after_retention_a_mail_says_that_the_content_was_deleted() -> None:
    mail = compose_mail([Matter(MailReason.WAITING, emptied_dossier("pending"), CARD)])
    assert "The content was deleted" in mail.text
    assert facts_of_text(mail) == facts_of_html(mail)


def test_a_deadline_is_named_with_what_happens_then() -> None:
    assert "Decide by 2026-11-21 12:00 UTC, then a supervisor is asked." in compose_mail([TAKEOVER]).text


def test_the_reasons_come_from_the_rules_of_the_service() -> None:
    mail = compose_mail([matter(MailReason.WAITING, "pending")])
    assert "Why you:" in mail.text


def test_the_longest_takeover_package_is_whole_in_a_mail_with_the_next_steps_before_the_work_done() -> None:
    takeover = {
        "summary": "s" * 3000,
        "stopping_reason": "r" * 500,
        "work_completed": ["w" * 1000] * 8,
        "current_state": "c" * 6000,
        "next_steps": ["NEXT" + "n" * 490] * 6,
    }
    asked = package(recommendation="escalate", takeover=takeover)
    mail = compose_mail([Matter(MailReason.TAKEOVER, dossier("pending", package=asked))])
    assert "Shortened" not in mail.text
    assert mail.text.index("NEXT") < mail.text.index("www")
    assert len(mail.html.encode()) < 102_000
