"""Mails on the page: lists for one person, and the parts of a mail as documents of their own, which can do nothing."""

from __future__ import annotations

import re
from typing import Any

from aiohttp import web

from playground.browser.own_page import own_page_only
from playground.mail.mailbox import Letter, Mailbox
from playground.model.workspace import Workspace

Json = dict[str, Any]
PREVIEW = 140  # characters, as on a phone
# No script, no form, nothing to fetch. A link that a person clicks may leave the frame.
SANDBOX = "allow-top-navigation-by-user-activation"
HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'; sandbox {SANDBOX}"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def mail_of(slack: Workspace, mailbox: Mailbox, user: str) -> Json | None:
    """The person's mails, and how many others have; None without a mail server."""
    person = slack.people.get(user)
    if mailbox.url is None or person is None:
        return None
    counts = {other.id: len(mailbox.of(other.addresses)) for other in slack.people.values() if other.id != user}
    return {
        "address": person.email,
        "letters": [_summary(letter) for letter in mailbox.of(person.addresses)],
        "others": [{"user": other, "count": count} for other, count in counts.items() if count],
    }


def _summary(letter: Letter) -> Json:
    """The preview leaves out lines and bars that are drawn with characters."""
    words = " ".join(word for word in letter.text.split() if word.strip("=-│"))
    return {"id": letter.id, "headers": dict(letter.headers), "preview": words[:PREVIEW]}


class Letters:
    def __init__(self, slack: Workspace, mailbox: Mailbox) -> None:
        self._slack, self._mailbox = slack, mailbox

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/playground/mail/{letter}/html", self._html),
            web.get("/playground/mail/{letter}/text", self._text),
        ]

    async def _html(self, request: web.Request) -> web.Response:
        letter = self._letter(request)
        return web.Response(text=_followable(letter.html, self._slack), content_type="text/html", headers=HEADERS)

    async def _text(self, request: web.Request) -> web.Response:
        return web.Response(text=self._letter(request).text, content_type="text/plain", headers=HEADERS)

    def _letter(self, request: web.Request) -> Letter:
        own_page_only(request)
        letter = self._mailbox.find(request.match_info["letter"])
        person = self._slack.people.get(request.query.get("as", ""))
        if letter is None or person is None or not letter.is_for(person.addresses):
            raise web.HTTPNotFound(text="This person has no such mail.")
        return letter


def _followable(html: str, slack: Workspace) -> str:
    """As on a phone with Slack's app: permalinks of this workspace open the page that stands in for Slack."""
    permalink = re.compile(rf'href="https://{re.escape(slack.domain)}\.slack\.com/archives/(\w+)/p(\d+)(\d{{6}})[^"]*"')
    return permalink.sub(r'target="_top" href="/playground#message/\1/\2.\3"', html)
