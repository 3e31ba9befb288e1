"""What a mail is about, and the words for it: the subject, the first sentence, and how to decide.

`_WORDINGS` has one row for each reason. `mail` writes the subject from here, `whole` the mail about one package, and
`listed` the mail about several. Titles are defanged, because mail programs make links of addresses.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from blocks.card.buttons import verbs_on_buttons
from blocks.kit.elements import Run, link
from blocks.kit.text import cut, defang_all
from blocks.words.choices import OPEN_CARD
from blocks.words.dossier import Dossier
from blocks.words.sentences import title_of
from blocks.words.verbs import LOOKS
from rules.mail.reasons import MailReason
from rules.state.model import Status
from rules.wording import either_of

_SUBJECT = 120  # characters; a phone shows about 40
TURN_OFF = "You can turn off all mails except takeovers in Countersign's Home in Slack."
NO_DECISIONS = "You cannot decide by mail"
AWAY = "Countersign cannot use Slack right now"


class Matter(NamedTuple):
    """`link` leads to a card that the receiver sees; None if there is none."""

    reason: MailReason
    dossier: Dossier
    link: str | None = None


class _Wording(NamedTuple):
    """`label` stands before a title, `subject` alone. `why` is the first sentence of the mail."""

    label: str
    subject: str
    why: str


_WORDINGS: Mapping[MailReason, _Wording] = {
    MailReason.TAKEOVER: _Wording(
        "Take over", "An agent asks you to take over", "An agent has stopped and asks a person to take over."
    ),
    MailReason.LAST_RUNG: _Wording(
        "Asked last", "You are the last to be asked", "Nobody has decided in time, and nobody else is asked after you."
    ),
    MailReason.CRITICAL: _Wording(
        "Critical", "A critical decision waits for you", "A decision of critical risk waits for you."
    ),
    MailReason.FAILED: _Wording(
        "Failed", "An action failed", "An action failed. You approved it, or you own the agent."
    ),
    MailReason.UNKNOWN: _Wording(
        "Outcome unknown",
        "The outcome of an action is unknown",
        "An action may or may not have happened. You approved it, or you own the agent.",
    ),
    MailReason.WAITING: _Wording("Waiting", "A decision waits for you", f"{AWAY}, and a decision waits for you."),
    MailReason.UNINSTALLED: _Wording(
        "No Slack", "Countersign cannot use Slack", "Until this is fixed, nobody can decide anything in Slack."
    ),
}


def mail_subject(matters: Sequence[Matter], more: int, *, show_title: bool) -> str:
    """One line. The title of the first matter only if it may be shown."""
    first, others = matters[0], len(matters) - 1 + more
    if not show_title:
        return list_heading(matters, more) if others else reason_subject(first.reason)
    ending = f" and {others} more" if others else ""
    return cut(f"{reason_label(first.reason)}: {defang_all(title_of(first.dossier))}", _SUBJECT - len(ending)) + ending


def list_heading(matters: Sequence[Matter], more: int) -> str:
    """How many there are, and whether all of them wait for a decision."""
    pending = all(matter.dossier.state.status is Status.PENDING for matter in matters)
    return f"{len(matters) + more} {'decisions wait for you' if pending else 'packages need your attention'}"


def reason_subject(reason: MailReason) -> str:
    return _WORDINGS[reason].subject


def reason_label(reason: MailReason) -> str:
    return _WORDINGS[reason].label


def why_mailed(reason: MailReason) -> str:
    return _WORDINGS[reason].why


def how_to_decide(matter: Matter) -> Iterator[Run]:
    """What can be done on the card, and a link to it."""
    ways = [LOOKS[verb].label for verb in verbs_on_buttons(matter.dossier)]
    where = "Once Slack works again" if matter.reason is MailReason.WAITING else "In Slack"
    yield f"{NO_DECISIONS}. " + (f"{where}, choose {either_of(ways)}. " if ways else "")
    yield from card_link(matter)


def card_link(matter: Matter) -> Iterator[Run]:
    yield link(matter.link, OPEN_CARD) if matter.link else "Open Countersign's Home in Slack."
