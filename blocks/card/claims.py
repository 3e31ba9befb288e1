"""The agent's own words on the card, shortened and framed: its proposal, what it expects, its doubts and reasons.

A claim is one line, cut to a length, with its label in bold and the agent's text in a frame. The full texts are in
Details. `handover` tells of a takeover: on the card, in notes, forms and mails.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from blocks.card import content
from blocks.kit.elements import Run, code
from blocks.kit.frame import Parts, brief, framed_runs, labelled, shorten
from blocks.kit.parameters import exact_json_line
from blocks.words.dossier import Dossier
from blocks.words.revision import changes_line
from rules.package.model import CALLS, DecisionPackage, Dissent, Recommendation, TakeoverPackage
from rules.wording import percent

# Characters: a sentence, which wraps to about two lines on a screen; one line; and a part of one.
_SENTENCE = 160
_ONE_LINE = 56
_HALF = 24


def proposal(dossier: Dossier, package: DecisionPackage) -> Parts:
    """What an approval covers: type and subject, the agent's description of a call, and the exact content.

    An expected result takes the place of the description, which is in Details. A later version says what is new in it.
    """
    subject = content.subject_line(package)
    identity: list[Run] = [code(package.action_type), *([f" · {subject}"] if subject else [])]
    described = package.kind in CALLS and package.proposed_action.rstrip(".") != package.title.rstrip(".")
    words = brief(package.proposed_action, _SENTENCE) if described and not package.consequence else []
    return (*framed_runs([identity, words, changes_line(dossier)]), *content.card_content(dossier, package))


def claims(package: DecisionPackage) -> Parts:
    """Unverified, one line each: the expected result, doubts or else the reason, and the grounds."""
    return framed_runs(_claims(package))


def _claims(package: DecisionPackage) -> Iterator[list[Run]]:
    doubts, voices = package.known_uncertainties, package.dissent
    yield labelled("Changed since it was rejected", package.material_change, _SENTENCE)
    yield labelled("If approved", package.consequence, _SENTENCE)
    doubt = labelled("Doubt", doubts[0] if doubts else None, _SENTENCE, len(doubts) - 1)
    yield _joined(doubt, _dissent(voices))
    if package.recommendation not in (None, Recommendation.PROCEED):
        yield labelled("The agent recommends", package.recommendation, _SENTENCE)
    if package.kind in CALLS and not (doubts or voices):
        yield labelled("Reason", package.rationale, _ONE_LINE)
    evidence, basis = [ref.title for ref in package.evidence_refs], package.policy_basis
    confidence = labelled("Confidence", percent(package.confidence), _HALF)
    room = _HALF if evidence and basis else _ONE_LINE
    yield _joined(_few("Evidence", evidence, room), _few("Policy", basis, room), confidence)


def _dissent(voices: Sequence[Dissent]) -> list[Run]:
    if not voices:
        return []
    return [shorten(voices[0].by, _HALF), *labelled(" disagrees", voices[0].position, _SENTENCE, len(voices) - 1)]


def _few(label: str, items: Sequence[str], room: int) -> list[Run]:
    """The only item, or how many there are."""
    return labelled(
        label, _whole_words(items[0], room) if len(items) == 1 else f"{len(items)} items" if items else None, room
    )


def _whole_words(text: str, limit: int) -> str:
    """The beginning of a text, cut between two words if it has any."""
    start = shorten(text, limit)
    words_left = start[:-1].rpartition(" ")[0].rstrip(" ,;:") if start.endswith("…") else ""
    return f"{words_left}…" if words_left else start


def _joined(*lines: list[Run]) -> list[Run]:
    """The lines that are not empty, as one line."""
    return [run for runs in lines if runs for run in (" · ", *runs)][1:]


def handover(takeover: TakeoverPackage, *, in_brief: bool = False) -> Parts:
    """Where the agent stopped: for the person who takes over, or in brief for the card that asks someone to do it.

    In brief: shorter, and only why it stopped, the state and what is next.
    """
    return framed_runs(_handover(takeover, 1)[1:4] if in_brief else _handover(takeover, 4))


def _handover(takeover: TakeoverPackage, times: int) -> list[list[Run]]:
    """One line for each field. A line may be `times` as long as that of another claim."""
    now, limit = takeover.current_state, _SENTENCE * times
    return [
        labelled("So far", takeover.summary, limit),
        labelled("Stopped because", takeover.stopping_reason, limit),
        labelled("Current state", now if isinstance(now, str) else exact_json_line(now) if now else None, limit),
        labelled("Next", "; ".join(takeover.next_steps), _ONE_LINE * times),
        labelled("Done", "; ".join(takeover.work_completed), _ONE_LINE * times),
    ]
