"""Text on its way to Slack: cleaned of deceptive characters, cut with a visible sign, and escaped.

Words of agents and people go only into `rich_text` and `plain_text`, in which Slack reads no markup. The service writes
markup only from values that it knows itself.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from rules.visible import TOWERS, is_visible

_LINES = re.compile(r"\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_UNUSUAL = re.compile(r"[^\n\t -~]")  # everything but visible ASCII; most texts contain little of it
_GAPS = re.compile(r"\n(?:[^\S\n]*\n)+")
_SPACES = re.compile(r"\s+")
_DOT = re.compile(r"(?<!\[)\.(?!\])")  # but not one that is spelled already
_LABEL = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
# With a scheme; or a host that begins with www., has a path, or ends in a usual domain.
_ADDRESS = re.compile(
    rf"\b[a-z][a-z0-9+.-]*://[^\s<>\"']+"
    rf"|(?<![@\w.-])(?:www\.[^\s<>\"'/]+|(?:{_LABEL}\.)+[a-z]{{2,}}(?=/)|(?:{_LABEL}\.)+(?:com|net|org|info|biz|io|co|app|dev))"
    r"(?![\w@-])",
    re.IGNORECASE,
)


def clean(text: str) -> str:
    """Without invisible characters (controls, direction marks, fillers), towers of accents and double empty lines."""
    lines = _LINES.sub("\n", text)
    visible = _UNUSUAL.sub(lambda match: match[0] if is_visible(match[0]) else "", lines)
    return _GAPS.sub("\n\n", TOWERS.sub(r"\1", visible)).strip()


def one_line(text: str) -> str:
    """The cleaned text on one line, for headers, names and labels."""
    return _SPACES.sub(" ", clean(text))


def cut(text: str, limit: int) -> str:
    """At most `limit` characters, with an ellipsis if something is missing."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def escape(text: str) -> str:
    """For the fallback text, the only place where words of others become markup."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def unescape(text: str) -> str:
    """What someone typed after a command: Slack may escape it."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def pluralize(count: int, singular: str, plural: str | None = None) -> str:
    return f"{count} {singular if count == 1 else plural or singular + 's'}"


def host_of(url: str) -> str:
    """The host in Punycode, in which no letter can pass for another."""
    host = urlsplit(url).hostname or ""
    try:
        return host.encode("idna").decode()
    except UnicodeError:
        return host.encode("ascii", "backslashreplace").decode()


def defang_all(text: str) -> str:
    """The text with `defang` for each address that mail programs would make a link. E-mail addresses stay."""
    return _ADDRESS.sub(_spell, text)


def _spell(address: re.Match[str]) -> str:
    if "://" in address[0]:
        scheme, _, rest = address[0].partition("://")
        return defang(f"{scheme.lower()}://{rest}")
    host, slash, path = address[0].partition("/")
    return f"{_DOT.sub('[.]', host)}{slash}{path}"


def defang(url: str) -> str:
    """The URL in a form that nothing turns into a link."""
    scheme, colon, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme.replace('tt', 'xx')}{colon}{_DOT.sub('[.]', host)}{slash}{path}"


def in_utc(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def slack_date(moment: datetime) -> str:
    """Markup for a time in the reader's zone, with UTC as fallback."""
    return f"<!date^{int(moment.timestamp())}^{{date_short_pretty}} at {{time}}|{in_utc(moment)}>"


_SPANS = ((timedelta(days=1), "day"), (timedelta(hours=1), "hour"), (timedelta(minutes=1), "minute"))


def format_duration(duration: timedelta) -> str:
    """The two largest units: "2 days 3 hours"."""
    parts: list[str] = []
    for unit, name in _SPANS:
        count, duration = divmod(duration, unit)
        parts += [pluralize(count, name)] if count else []
    return " ".join(parts[:2]) or pluralize(int(duration.total_seconds()), "second")
