"""Text on its way to Slack: cleaned of what deceives, cut where it must be (and saying so), and escaped.

What agents and people wrote goes into `rich_text` and `plain_text` alone, where Slack reads no markup. Markup is
written only by the service, about things that the service knows.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

_LINES = re.compile(r"\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_UNUSUAL = re.compile(r"[^\n\t -~]")  # all but what of ASCII can be seen: most texts have little of it
_GAPS = re.compile(r"\n(?:[^\S\n]*\n)+")
_MARKS = r"[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]"
_TOWERS = re.compile(f"({_MARKS}{{4}}){_MARKS}+")  # of accents, that would reach over the lines above and below
_SPACES = re.compile(r"\s+")
_JOINERS = "\u200c\u200d"  # several scripts, and most composed emoji, cannot be written without them
_BLANKS = "\u115f\u1160\u2800\u3164\uffa0"  # letters and symbols that draw nothing


def clean(text: str) -> str:
    """Without what a reader cannot see: controls, direction marks, fillers; and with one empty line at most."""
    lines = _LINES.sub("\n", text)
    seen = _UNUSUAL.sub(lambda found: found[0] if _shows(found[0]) else "", lines)
    return _GAPS.sub("\n\n", _TOWERS.sub(r"\1", seen)).strip()


def _shows(character: str) -> bool:
    if character in "\n\t" or character in _JOINERS:
        return True
    return unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Co", "Cn") and character not in _BLANKS


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
