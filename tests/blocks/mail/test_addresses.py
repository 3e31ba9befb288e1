"""No address that an agent or a person wrote is a link in a mail: mail programs make links of plain text."""

from __future__ import annotations

import pytest

from blocks.kit.text import defang_all
from blocks.mail.mail import compose_mail
from blocks.mail.matter import Matter
from rules.mail.reasons import MailReason
from tests.blocks.dossiers import dossier
from tests.rules.world import package


@pytest.mark.parametrize(
    ("written", "spelled"),
    [
        ("See https://evil.example/x?a=1.", "See hxxps://evil[.]example/x?a=1."),
        ("HTTP://Evil.Example", "hxxp://Evil[.]Example"),
        ("ftp://evil.example/a", "ftp://evil[.]example/a"),
        ("go www.evil.example now", "go www[.]evil[.]example now"),
        ("evil.example/a is there", "evil[.]example/a is there"),
        ("hxxps://evil[.]example/x", "hxxps://evil[.]example/x"),
        ("(evil.com)", "(evil[.]com)"),
        ("rita@example.com", "rita@example.com"),
        ("record.read, version 1.2, e.g. 10.5 and/or", "record.read, version 1.2, e.g. 10.5 and/or"),
    ],
)
def test_an_address_is_spelled_so_that_no_mail_program_makes_a_link_of_it(written: str, spelled: str) -> None:
    assert defang_all(written) == spelled


def test_the_title_of_a_package_is_spelled_so_in_the_subject_the_heading_and_the_list() -> None:
    matter = Matter(MailReason.CRITICAL, dossier("pending", package=package(title="See https://evil.example/x")))
    for mail in (compose_mail([matter], show_title=True), compose_mail([matter] * 2, show_title=True)):
        assert "hxxps://evil[.]example/x" in mail.subject
        assert all("hxxps://evil[.]example/x" in part and "https://evil" not in part for part in (mail.text, mail.html))
