"""Private messages to one person: a confirmation, or a refusal with its reason.

The sentence may contain people as `<@U…>` and times in ISO 8601, which become Slack's own elements. The rest stays
literal text, because a refusal can quote words of others.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime

from blocks.kit.elements import Run, moment, rich, user, words
from blocks.kit.message import Message
from blocks.kit.text import clean, escape, in_utc
from blocks.words.dossier import Dossier
from blocks.words.views import about_block
from rules.reasons import Refusal

_ZONED = r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:\+00:00|Z)"
_SPECIAL = re.compile(rf"<@(?P<user>[UW][A-Z0-9]{{1,20}})>|(?P<time>{_ZONED})")


def sentence_runs(sentence: str) -> Iterator[Run]:
    """The sentence as runs of rich text."""
    for part in _parts(sentence):
        if isinstance(part, str):
            yield part
        else:
            yield user(part["user"]) if part["user"] else moment(datetime.fromisoformat(part["time"]))


def sentence_text(sentence: str) -> str:
    """The sentence as escaped plain text, for notifications and screen readers."""
    return "".join(escape(part) if isinstance(part, str) else _part_text(part) for part in _parts(sentence))


def _part_text(part: re.Match[str]) -> str:
    return part[0] if part["user"] else in_utc(datetime.fromisoformat(part["time"]))


def _parts(sentence: str) -> Iterator[str | re.Match[str]]:
    begin, text = 0, clean(sentence)
    for match in _SPECIAL.finditer(text):
        yield text[begin : match.start()]
        yield match
        begin = match.end()
    yield text[begin:]


def private_message(sentence: str) -> Message:
    return Message(sentence_text(sentence), (rich(words(*sentence_runs(sentence))),))


def refusal_message(refusal: Refusal, dossier: Dossier | None = None) -> Message:
    """The refusal and the package that it is about: someone may click through ten cards in a row."""
    message = private_message(refusal.sentence)
    return Message(message.text, (*message.blocks, about_block(dossier))) if dossier else message
