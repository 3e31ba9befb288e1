"""Private messages to one person: a confirmation, or a refusal with its reason.

The sentence may contain people as `<@U…>` and times in ISO 8601, which become Slack's own elements. The rest stays
literal text, because a refusal can quote words of others.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime

from blocks.kit.elements import Block, Element, Run, actions, button, moment, paragraph, rich, user
from blocks.kit.ids import ActionId, FormId
from blocks.kit.message import Message
from blocks.kit.text import clean, escape, in_utc
from blocks.words.dossier import Dossier
from blocks.words.sentences import title_of
from blocks.words.verbs import meaning
from blocks.words.views import View, about_block, modal
from rules.authority.ladder import who_may_decide
from rules.reasons import Reason, Refusal
from rules.state.commands import Verb
from rules.state.model import Status

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
    return Message(sentence_text(sentence), (rich(paragraph(*sentence_runs(sentence))),))


# Reasons that lie in the person, so that someone else may be able to do it.
_SOMEONE_ELSE = frozenset([
    Reason.A_GUEST, Reason.A_STRANGER, Reason.WRONG_ROLE, Reason.OUT_OF_SCOPE, Reason.ABOVE_AUTHORITY,
    Reason.IS_REQUESTER, Reason.IS_ON_CHAIN, Reason.IS_OWNER, Reason.IS_EDITOR, Reason.IS_RECUSED,
    Reason.INDEPENDENCE_UNKNOWN, Reason.ALREADY_COUNTED,
])  # fmt: skip


def refusal_blocks(refusal: Refusal, dossier: Dossier | None = None) -> tuple[Block, ...]:
    """The refusal, what helps, and the package that it is about: someone may click through ten cards in a row.

    `dossier` is None for someone who may not see the package.
    """
    sentence = rich(paragraph(*sentence_runs(refusal.sentence)))
    if dossier is None:
        return (sentence,)
    someone_else = refusal.reason in _SOMEONE_ELSE and dossier.state.status is Status.PENDING
    who = [rich(paragraph(*_who_can(dossier)))] if someone_else else []
    details = [actions([_details_button(dossier)])] if refusal.reason is Reason.DETAILS_FIRST else []
    return (sentence, *who, about_block(dossier), *details)


def _details_button(dossier: Dossier) -> Element:
    return button("Details", ActionId.DETAILS, str(dossier.ref), accessible_label=f"Details: {title_of(dossier)}")


def _who_can(dossier: Dossier) -> Iterator[Run]:
    """The people or groups that the card mentions; without any, the roles."""
    if not dossier.mentions:
        yield f"Ask {who_may_decide(dossier.state, dossier.terms)}."
        return
    yield "Ask one of:"
    for mention in dossier.mentions:
        yield " "
        yield _mentioned(mention)


def _mentioned(mention: str) -> Element:
    """The person or the user group, as an element."""
    slack_id = mention.strip("<>").rpartition("^")[2].lstrip("@")
    return user(slack_id) if mention.startswith("<@") else {"type": "usergroup", "usergroup_id": slack_id}


def done_message(verb: Verb, dossier: Dossier) -> Message:
    """For a click in a list, which stays as it is."""
    return message_about(f"Done. {meaning(verb, dossier)}", dossier)


def message_about(sentence: str, dossier: Dossier) -> Message:
    """With the package, so that nobody has to know it by its id."""
    message = private_message(sentence)
    return Message(message.text, (*message.blocks, about_block(dossier)))


def refusal_message(refusal: Refusal, dossier: Dossier | None = None) -> Message:
    return Message(sentence_text(refusal.sentence), refusal_blocks(refusal, dossier))


def refusal_view(refusal: Refusal, dossier: Dossier | None = None) -> View:
    return modal(FormId.DECISION, "Not possible", refusal_blocks(refusal, dossier))
