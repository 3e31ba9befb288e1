"""Mails: one package whole, a list of several, or a trouble of the service itself.

A mail consists of the same parts as cards and Details. `plain` and `html` draw all of them, so both state the same
facts. It begins with why it was sent and that nobody can decide by mail: phones show the beginning while locked.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from blocks.home import troubles
from blocks.kit.elements import paragraph
from blocks.mail.document import Chapter
from blocks.mail.html import html_page
from blocks.mail.listed import by_urgency, list_chapters, wordless_chapters
from blocks.mail.matter import TURN_OFF, Matter, mail_subject, reason_subject, why_mailed
from blocks.mail.plain import plain_page
from blocks.mail.whole import package_chapters
from rules.mail.reasons import MailReason


class Mail(NamedTuple):
    """`subject` is one line."""

    subject: str
    text: str
    html: str


def compose_mail(matters: Sequence[Matter], *, more: int = 0, show_title: bool = False) -> Mail:
    """One matter whole, or a list of the most urgent, with a count of those beyond it and of `more`."""
    ordered = by_urgency(matters)
    alone = len(ordered) == 1 and not more
    chapters = package_chapters(ordered[0]) if alone else list_chapters(ordered, more)
    return _mail(mail_subject(ordered, more, show_title=show_title), chapters)


def compose_wordless_mail(matters: Sequence[Matter], *, more: int = 0) -> Mail:
    """A list without the words of agents and people, for a mail server that refused the mail with them."""
    ordered = by_urgency(matters)
    return _mail(mail_subject(ordered, more, show_title=False), wordless_chapters(ordered, more))


def compose_trouble_mail(error: str) -> Mail:
    """For admins, when Slack refuses the service's token, so that no message in Slack can say so."""
    reason = MailReason.UNINSTALLED
    trouble = (paragraph(troubles.app_gone(error).text), paragraph(why_mailed(reason)))
    return _mail(reason_subject(reason), (Chapter("", trouble),))


def _mail(subject: str, chapters: Sequence[Chapter]) -> Mail:
    all_chapters = (*chapters, Chapter("", (paragraph(TURN_OFF),)))
    return Mail(subject, plain_page(all_chapters), html_page(subject, all_chapters))
