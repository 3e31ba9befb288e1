"""Text on its way to Slack: cleaned of what deceives, cut where it must be (and saying so), and escaped.

What agents and people wrote goes into `rich_text` and `plain_text` alone, where Slack reads no markup. Markup is
written only by the service, about things that the service knows.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from rules.package.visible import TOWERS, is_visible

_LINES = re.compile(r"\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_UNUSUAL = re.compile(r"[^\n\t -~]")  # all but what of ASCII can be seen: most texts have little of it
_GAPS = re.compile(r"\n(?:[^\S\n]*\n)+")
_SPACES = re.compile(r"\s+")


def clean(text: str) -> str:
    """Without what a reader cannot see: controls, direction marks, fillers; and with one empty line at most."""
    lines = _LINES.sub("\n", text)
    seen = _UNUSUAL.sub(lambda found: found[0] if is_visible(found[0]) else "", lines)
    return _GAPS.sub("\n\n", TOWERS.sub(r"\1", seen)).strip()


def line(text: str) -> str:
    """All of it on one line: for headers, names, labels."""
    return _SPACES.sub(" ", clean(text))


def cut(text: str, most: int) -> str:
    """At most so many characters, with a sign where something is missing."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def escaped(text: str) -> str:
    """For the few places where foreign words meet markup: the text that is read out and shown in notifications."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def counted(count: int, one: str, many: str | None = None) -> str:
    return f"{count} {one if count == 1 else many or one + 's'}"


def host_of(url: str) -> str:
    """The true host, in the spelling in which no letter can pass for another."""
    host = urlsplit(url).hostname or ""
    try:
        return host.encode("idna").decode()
    except UnicodeError:
        return host.encode("ascii", "backslashreplace").decode()


def defanged(url: str) -> str:
    """An address to read and to copy, which nothing takes for a link."""
    scheme, colon, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme.replace('tt', 'xx')}{colon}{host.replace('.', '[.]')}{slash}{path}"


def in_utc(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def when(moment: datetime) -> str:
    """A time in the reader's own zone. Slack writes it; who reads without Slack reads UTC."""
    return f"<!date^{int(moment.timestamp())}^{{date_short_pretty}} at {{time}}|{in_utc(moment)}>"


_SPANS = ((timedelta(days=1), "day"), (timedelta(hours=1), "hour"), (timedelta(minutes=1), "minute"))


def span(length: timedelta) -> str:
    """Roughly, as people say it: its two largest units."""
    parts: list[str] = []
    for unit, name in _SPANS:
        count, length = divmod(length, unit)
        parts += [counted(count, name)] if count else []
    return " ".join(parts[:2]) or counted(int(length.total_seconds()), "second")
