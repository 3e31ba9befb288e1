"""What one person is told alone: that something was done, or why it was not.

Such a sentence may name people as `<@U…>` and times in ISO 8601: these become Slack's own. The rest of it is literal,
because facts of a refusal can be somebody else's words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime

from blocks.kit.elements import Run, moment, rich, user, words
from blocks.kit.message import Message
from blocks.kit.text import clean, escaped, in_utc
from blocks.words.dossier import Dossier
from blocks.words.views import about
from rules.reasons import Refusal

_ZONED = r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:\+00:00|Z)"
_SPECIAL = re.compile(rf"<@(?P<user>[UW][A-Z0-9]{{1,20}})>|(?P<time>{_ZONED})")


def spoken(sentence: str) -> Iterator[Run]:
    """The sentence in rich text."""
    for part in _parts(sentence):
        if isinstance(part, str):
            yield part
        else:
            yield user(part["user"]) if part["user"] else moment(datetime.fromisoformat(part["time"]))


def aloud(sentence: str) -> str:
    """The same as text: to be read out, and for notifications."""
    return "".join(escaped(part) if isinstance(part, str) else _named(part) for part in _parts(sentence))


def _named(part: re.Match[str]) -> str:
    return part[0] if part["user"] else in_utc(datetime.fromisoformat(part["time"]))


def _parts(sentence: str) -> Iterator[str | re.Match[str]]:
    begin, text = 0, clean(sentence)
    for found in _SPECIAL.finditer(text):
        yield text[begin : found.start()]
        yield found
        begin = found.end()
    yield text[begin:]


def private(sentence: str) -> Message:
    return Message(aloud(sentence), (rich(words(*spoken(sentence))),))


def told(refusal: Refusal, dossier: Dossier | None = None) -> Message:
    """Why not, and of what: whoever clicks through ten cards sees which one answered."""
    said = private(refusal.sentence)
    return Message(said.text, (*said.blocks, about(dossier))) if dossier else said
