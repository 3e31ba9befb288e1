"""Sample matters of mails, and a reader of the HTML part."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

from blocks.mail.mail import Mail, compose_mail, compose_trouble_mail, compose_wordless_mail
from blocks.mail.matter import Matter
from blocks.words.dossier import Dossier
from rules.mail.reasons import MailReason
from rules.state import service_commands
from tests.blocks.dossiers import Story, dossier
from tests.rules.world import DAY

CARD = "https://northport.slack.com/archives/C0REVIEWS/p1796040000000100?thread_ts=1&cid=C0REVIEWS"
VOID = ("meta",)


def matter(reason: MailReason, state: str, link: str | None = CARD, **changes: Any) -> Matter:
    return Matter(reason, dossier(state, **changes), link)


TAKEOVER = matter(MailReason.TAKEOVER, "pending_takeover")
SOFT = matter(MailReason.WAITING, "pending_soft")
HARD = matter(MailReason.WAITING, "second_version", None)
FAILED = matter(MailReason.FAILED, "failed")


def every_mail() -> Iterator[tuple[str, Mail]]:
    """One of each reason, and lists."""
    yield "takeover", compose_mail([TAKEOVER])
    yield "last_rung", compose_mail([Matter(MailReason.LAST_RUNG, _at_the_top(), CARD)], show_title=True)
    yield "critical", compose_mail([matter(MailReason.CRITICAL, "pending_critical", None)], show_title=True)
    yield "failed", compose_mail([FAILED])
    yield "unknown", compose_mail([matter(MailReason.UNKNOWN, "lost_track")])
    yield "waiting", compose_mail([SOFT])
    yield "several", compose_mail([SOFT, HARD, TAKEOVER], more=4)
    yield "mixed", compose_mail([SOFT, FAILED], show_title=True)
    yield "wordless", compose_wordless_mail([SOFT, FAILED], more=1)
    yield "uninstalled", compose_trouble_mail("token_revoked")


def _at_the_top() -> Dossier:
    """Neither the first role nor the second has decided."""
    climbing = Story()
    for _ in range(2):
        climbing = climbing.clock(service_commands.Climb, after=DAY)
    return climbing.dossier()


@dataclass
class _Reader(HTMLParser):
    texts: list[str] = field(default_factory=list)
    tags: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    open_tags: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open_tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open_tags.pop() == tag
        links = [attrs["href"] for name, attrs in self.tags if name == "a"]
        if tag == "a":
            self.texts.append(f": {links[-1]}")

    def handle_data(self, data: str) -> None:
        if "title" not in self.open_tags:
            self.texts.append(data)


def read_html(html: str) -> _Reader:
    reader = _Reader()
    reader.feed(html)
    reader.close()
    assert not reader.open_tags
    return reader


def facts_of_html(mail: Mail) -> str:
    """Everything that the HTML part says, without spaces. The address of a link follows its text."""
    return _bare("".join(read_html(mail.html).texts))


def facts_of_text(mail: Mail) -> str:
    """The same of the text part, without what stands there for frames, headings and lists."""
    lines = mail.text.split("\n")
    return _bare("".join(re.sub("^(│ ?|- |[=-]+$)", "", line) for line in lines))


def _bare(text: str) -> str:
    return "".join(text.split())
