"""Whatever an agent writes, a mail stays one subject line, framed text and harmless HTML of a bounded size."""

from __future__ import annotations

import unicodedata
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP

import pytest
from hypothesis import given

from blocks.mail.mail import Mail, compose_mail
from blocks.mail.matter import Matter
from rules.mail.reasons import MailReason
from rules.package.model import DecisionPackage
from tests.blocks.dossiers import dossier
from tests.blocks.mail.letters import CARD, SOFT, facts_of_html, facts_of_text, read_html
from tests.blocks.packages import hostile, largest
from tests.blocks.story import Story
from tests.rules.world import package

MARK = "ZQX"  # begins each hostile text
CLIPPED = 102_000  # bytes, beyond which Gmail hides the rest
JOINERS = "\u200c\u200d"


def mail_about(proposal: DecisionPackage, reason: MailReason = MailReason.WAITING) -> Mail:
    return compose_mail([Matter(reason, Story(proposal).dossier(), CARD)], show_title=True)


def listed(proposal: DecisionPackage) -> Mail:
    return compose_mail([Matter(MailReason.TAKEOVER, Story(proposal).dossier(), CARD), SOFT], show_title=True)


def unseen_in(text: str) -> set[str]:
    hidden = {letter for letter in text if unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")}
    return hidden - {"\n", "\t", *JOINERS}


@pytest.mark.slow
@given(hostile)
def test_text_and_html_say_the_same_whatever_an_agent_writes(proposal: DecisionPackage) -> None:
    for mail in (mail_about(proposal), listed(proposal)):
        assert facts_of_text(mail) == facts_of_html(mail)


@pytest.mark.slow
@given(hostile)
def test_agents_write_only_in_frames_and_in_the_title(proposal: DecisionPackage) -> None:
    before, _, after = mail_about(proposal).text.partition("\n====")
    *above_title, _ = before.split("\n")
    unframed = [line for line in (*above_title, *after.split("\n")) if not line.startswith("│ ")]
    assert MARK not in "".join(unframed)


@pytest.mark.slow
@given(hostile)
def test_agents_add_no_tag_no_attribute_and_no_link(proposal: DecisionPackage) -> None:
    for mail in (mail_about(proposal), listed(proposal)):
        tags = read_html(mail.html).tags
        assert {name for name, _ in tags}.isdisjoint(["script", "img", "form", "button", "iframe", "link", "style"])
        assert {attributes.get("href") for _, attributes in tags} <= {None, CARD}


@pytest.mark.slow
@given(hostile)
def test_every_character_of_a_mail_is_visible(proposal: DecisionPackage) -> None:
    for mail in (mail_about(proposal), listed(proposal)):
        assert not unseen_in("".join(mail))


@pytest.mark.slow
@given(hostile)
def test_a_title_cannot_add_a_header(proposal: DecisionPackage) -> None:
    message = EmailMessage(policy=SMTP)
    mail = mail_about(proposal)
    message["Subject"] = mail.subject
    message.set_content(mail.text)
    sent = message_from_bytes(message.as_bytes(), policy=SMTP)
    assert "\n" not in mail.subject
    assert sent.keys() == ["Subject", "Content-Type", "Content-Transfer-Encoding", "MIME-Version"]


@pytest.mark.parametrize(
    "title",
    [
        "Refund\r\nBcc: all@northport.example",
        "Refund\nBcc: all@northport.example",
        "Refund\u2028Bcc: all@northport.example",
        "Refund\x0bBcc: all@northport.example",
        "Refund\x85Bcc: all@northport.example",
        "Refund \x00Bcc: all@northport.example",
    ],
)
def test_a_subject_is_one_line(title: str) -> None:
    shown = dossier("pending", package=package().model_copy(update={"title": title}))  # more than the API accepts
    subject = compose_mail([Matter(MailReason.WAITING, shown)], show_title=True).subject
    assert subject == "Waiting: Refund Bcc: all@northport.example"


def test_names_from_the_directory_are_escaped_too() -> None:
    name = "Rose <img src=x onerror=alert(1)> & \u202eelliM\u2028\u200b"
    shown = dossier("pending", names={"UROSE": name}, agent=name)
    mail = compose_mail([Matter(MailReason.WAITING, shown, CARD)])
    assert "<img" not in mail.html
    assert "&lt;img src=x onerror=alert(1)&gt; &amp;" in mail.html
    assert not unseen_in(mail.text)


def test_a_link_cannot_leave_its_attribute() -> None:
    mail = compose_mail([Matter(MailReason.WAITING, dossier("pending"), 'https://x.example/"onclick="a&b')])
    assert 'href="https://x.example/&quot;onclick=&quot;a&amp;b"' in mail.html


def test_hidden_characters_of_a_parameter_are_spelled_out_in_both_parts() -> None:
    mail = mail_about(package(action_parameters={"amount": "12\u202e0", "to": "acme\u200b.example", "tab": "a\tb"}))
    for part in (mail.text, mail.html):
        assert r"12\u202e0" in part
        assert r"acme\u200b.example" in part
        assert r"a\tb" in part


def test_a_name_in_mixed_alphabets_is_pointed_out() -> None:
    assert "Mixed alphabets" in mail_about(package(action_parameters={"am\u043eunt": 5})).text


def test_parameters_are_neither_rounded_nor_reformatted() -> None:
    exact = {"amount": 1234567.125, "text": "0.10", "big": 9007199254740991, "space": "a  b "}
    text = mail_about(package(action_parameters=exact)).text
    for line in ("amount: 1234567.125", 'text: "0.10"', "big: 9007199254740991", 'space: "a  b "'):
        assert line in text


def test_the_largest_package_is_a_mail_of_bounded_size_that_says_what_it_leaves_out() -> None:
    mail = mail_about(largest(), MailReason.TAKEOVER)
    assert len(mail.html.encode()) < CLIPPED
    assert len(mail.text.encode()) < CLIPPED
    shortened = [line for line in mail.text.split("\n") if line.startswith("Shortened: ")]
    assert len(shortened) == 3
    assert all(line.endswith("characters shown. Details on the card shows all of it.") for line in shortened)


def test_a_full_list_of_the_largest_packages_is_bounded_too() -> None:
    matters = [Matter(MailReason.TAKEOVER, Story(largest()).dossier(), CARD)] * 40
    mail = compose_mail(matters, more=1000)
    assert len(mail.html.encode()) < CLIPPED
    assert "1020 more packages" in mail.text
