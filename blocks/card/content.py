"""What an approval releases, line by line (`rules.package.layout`): shortened on the card, complete elsewhere.

The rules decide whether a package fits on the card, since approving without Details depends on it. So this module only
draws the layout. A form shows all of it, over as many steps as Slack's limits require.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import chain
from json import dumps

from blocks.kit.elements import Block, Element, bold, preformatted, quote, rich
from blocks.kit.frame import Parts, aside, heading
from blocks.kit.limits import TEXT
from blocks.words.dossier import Dossier
from blocks.words.verbs import LOOKS
from rules.package import layout
from rules.package.layout import Content, Piece, card_passages, passages
from rules.package.model import DecisionPackage, Kind
from rules.state.commands import Verb

_PROPOSED: Mapping[Kind, str] = {
    Kind.ACTION: "Proposed action",
    Kind.OUTPUT: "Output",
    Kind.PLAN: "Plan",
    Kind.QUESTION: "Question",
    Kind.MEMORY: "Proposal",
    Kind.POLICY_EXCEPTION: "Proposal",
    Kind.TOOL_CALL: "Proposed call",
}
_HEADINGS: Mapping[Content, str] = {
    Content.SUBJECT: "About",
    Content.TITLE: "Title",
    Content.MEMORY: "To remember",
    Content.EXCEPTION: "Requested exception",
    Content.JUSTIFICATION: "Justification",
    Content.EMAIL: "E-mail",
    Content.TEXT: "Text",
    Content.BODY: "Body",
    Content.MESSAGE: "Message",
    Content.CONTENT: "Content",
    Content.PARAMETERS: "Exact parameters",
    Content.RATIONALE: "Reason",
}
STEP_CHARACTERS = 24_000  # ours: eight texts of the longest kind, well within a view
STEP_BYTES = 100_000  # Slack takes 250 KB in a view


def card_content(dossier: Dossier, package: DecisionPackage) -> Parts:
    """As much as fits on the card, with a note that says how much that is."""
    look = dossier.state.terms.look
    shown = [piece for piece in layout.card_pieces(package, look) if piece.part is not Content.SUBJECT]
    cut = () if dossier.state.whole_on_card else (_shortened_note(dossier, package, shown),)
    return (*map(_card_frame, shown), *cut)


def _card_frame(piece: Piece) -> Element:
    """Exact parameters in a box; any other text in a quote, after its label unless it is the proposal itself."""
    text = "\n".join(piece.lines)
    if piece.part is Content.PARAMETERS:
        return preformatted(text)
    labelled = piece.part not in (Content.PROPOSAL, Content.EMAIL)
    return quote(*([bold(f"{_HEADINGS[piece.part]}: ")] if labelled else []), text)


def subject_line(package: DecisionPackage) -> str | None:
    """The line of the card that names the subject."""
    return next((piece.lines[0] for piece in layout.card_pieces(package) if piece.part is Content.SUBJECT), None)


def full_content(dossier: Dossier, leave_out: Collection[Content] = ()) -> Iterator[Block]:
    """The complete content but for the parts to leave out, over as many blocks as it needs; empty after retention."""
    package = dossier.package
    for part, lines in passages(package, dossier.state.terms.look) if package else ():
        for number, text in enumerate(_chunks(lines) if part not in leave_out else ()):
            yield rich(*_framed(dossier.state.kind, part, text, ", continued" if number else ""))


def split_into_steps(blocks: Iterable[Block]) -> list[list[Block]]:
    """The blocks, distributed over as many views as needed; at least one."""
    steps: list[list[Block]] = [[]]
    characters = bytes_used = 0
    for block in blocks:
        block_characters, block_bytes = count_characters(block), len(dumps(block))
        if steps[-1] and (characters + block_characters > STEP_CHARACTERS or bytes_used + block_bytes > STEP_BYTES):
            steps.append([])
            characters = bytes_used = 0
        steps[-1].append(block)
        characters, bytes_used = characters + block_characters, bytes_used + block_bytes
    return steps


def _framed(kind: Kind, part: Content, text: str, more: str = "") -> Parts:
    frame = preformatted if part is Content.PARAMETERS else quote
    return (heading(_heading(kind, part) + more), frame(text))


def _heading(kind: Kind, part: Content) -> str:
    return _PROPOSED[kind] if part is Content.PROPOSAL else _HEADINGS[part]


def _chunks(lines: Iterable[str]) -> Iterator[str]:
    """The lines, joined into as few texts as possible. A line longer than a text is split, never shortened."""
    held: list[str] = []
    size = 0
    for piece in (piece for line in lines for piece in _cut(line)):
        if held and size + len(piece) > TEXT:
            yield "\n".join(held)
            held, size = [], 0
        held.append(piece)
        size += len(piece) + 1
    if held:
        yield "\n".join(held)


def _cut(line: str) -> list[str]:
    return [line[begin : begin + TEXT] for begin in range(0, len(line), TEXT)] or [""]


def count_characters(block: Block) -> int:
    """The characters of a rich text block."""
    return sum(len(run["text"]) for part in block["elements"] for run in part["elements"])


def _shortened_note(dossier: Dossier, package: DecisionPackage, shown: list[Piece]) -> Element:
    """A note on how much is shown and where the rest is."""
    passages_shown = card_passages(package, dossier.state.terms.look)
    lines = chain.from_iterable(lines for part, lines in passages_shown if part is not Content.SUBJECT)
    shown_size = sum(len(line) for piece in shown for line in piece.lines)
    size = f"{shown_size:,} of {sum(map(len, lines)):,} characters shown"
    return aside(f"Shortened: {size}. {_full_content_button(dossier)} shows all of it.")


def _full_content_button(dossier: Dossier) -> str:
    """The label of the button that shows the complete content."""
    return next((LOOKS[verb].label for verb in (Verb.APPROVE, Verb.ANSWER) if verb in dossier.offered), "Details")
