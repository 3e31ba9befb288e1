"""What an approval releases, line by line (`rules.package.layout`): shortened on the card, complete elsewhere."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from json import dumps

from blocks.kit.elements import Block, Element, preformatted, quote, rich
from blocks.kit.frame import Parts, aside, heading
from blocks.kit.limits import TEXT
from blocks.words.dossier import Dossier
from blocks.words.verbs import LOOKS
from rules.package import layout
from rules.package.layout import Content, Piece, passages
from rules.package.model import CALLS, DecisionPackage, Kind
from rules.state.commands import Verb

PROPOSED: Mapping[Kind, str] = {
    Kind.ACTION: "The agent proposes",
    Kind.OUTPUT: "The agent would give out",
    Kind.PLAN: "The agent plans",
    Kind.QUESTION: "The agent asks",
    Kind.MEMORY: "The agent proposes",
    Kind.POLICY_EXCEPTION: "The agent proposes",
    Kind.TOOL_CALL: "The agent wants to call",
}
_PARAMETERS: Mapping[Kind, str] = {
    Kind.ACTION: "Exact parameters",
    Kind.OUTPUT: "Given out with it, exactly",
    Kind.PLAN: "The plan, exactly",
    Kind.QUESTION: "What belongs to the question, exactly",
    Kind.MEMORY: "How it would be kept",
    Kind.POLICY_EXCEPTION: "Which policy, and until when",
    Kind.TOOL_CALL: "Exact arguments of the call",
}
_HEADINGS: Mapping[Content, str] = {
    Content.SUBJECT: "About",
    Content.TITLE: "Title",
    Content.MEMORY: "It would remember",
    Content.EXCEPTION: "The exception",
    Content.JUSTIFICATION: "Why, the agent says",
    Content.RATIONALE: "Rationale",
}
STEP_CHARACTERS = 24_000
STEP_BYTES = 100_000  # Slack takes 250 KB in a view


def card_content(dossier: Dossier, package: DecisionPackage) -> Parts:
    """As much as fits on the card, with a note that says how much that is."""
    shown = [piece for piece in layout.card_pieces(package) if piece.part is not Content.SUBJECT]
    framed = (element for piece in shown for element in _framed(package.kind, piece.part, "\n".join(piece.lines)))
    cut = () if dossier.state.whole_on_card else (_shortened_note(dossier, package, shown),)
    return (*framed, *cut)


def subject_line(package: DecisionPackage) -> str | None:
    """The line of the card that names the subject."""
    return next((piece.lines[0] for piece in layout.card_pieces(package) if piece.part is Content.SUBJECT), None)


def full_content(package: DecisionPackage, but: Collection[Content] = ()) -> Iterator[Block]:
    """The complete content, over as many blocks as it needs."""
    for part, lines in passages(package):
        for number, text in enumerate(_chunks(lines) if part not in but else ()):
            yield rich(*_framed(package.kind, part, text, ", continued" if number else ""))


def split_into_steps(blocks: Iterable[Block]) -> list[list[Block]]:
    """The blocks, distributed over as many views as needed; at least one."""
    steps: list[list[Block]] = [[]]
    characters = size = 0
    for block in blocks:
        block_characters, block_bytes = _length(block), len(dumps(block))
        if steps[-1] and (characters + block_characters > STEP_CHARACTERS or size + block_bytes > STEP_BYTES):
            steps.append([])
            characters = size = 0
        steps[-1].append(block)
        characters, size = characters + block_characters, size + block_bytes
    return steps


def _framed(kind: Kind, part: Content, text: str, more: str = "") -> Parts:
    frame = preformatted if part is Content.PARAMETERS else quote
    return (heading(_heading(kind, part) + more), frame(text))


def _heading(kind: Kind, part: Content) -> str:
    match part:
        case Content.PROPOSAL:
            return PROPOSED[kind]
        case Content.PARAMETERS:
            return _PARAMETERS[kind]
        case _:
            return _HEADINGS[part]


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


def _length(block: Block) -> int:
    return sum(len(run["text"]) for part in block["elements"] for run in part["elements"])


def _shortened_note(dossier: Dossier, package: DecisionPackage, shown: list[Piece]) -> Element:
    """A note on how much is shown and where the rest is."""
    parts = [(part, tuple(lines)) for part, lines in passages(package) if part is not Content.SUBJECT]
    if package.kind in CALLS and len(package.action_parameters or ()) > 1:
        lines = parts[0][1]
        shown_size = f"{_complete_entries(shown[0].lines, lines)} of {len(package.action_parameters or ())} parameters"
        rest = "all of them"
    else:
        shown_size = f"{_size(shown):,} of {sum(map(len, (line for _, lines in parts for line in lines))):,} characters"
        rest = "all of it"
    return aside(f"Shortened: {shown_size} shown. {_full_content_button(dossier)} shows {rest}.")


def _complete_entries(shown: tuple[str, ...], lines: tuple[str, ...]) -> int:
    """How many unindented entries end within the shown lines."""
    begun = [number for number, line in enumerate(lines) if not line.startswith(" ")]
    ends = [*begun[1:], len(lines)]
    complete = sum(line == other for line, other in zip(shown, lines, strict=False))
    return sum(end <= complete for end in ends)


def _size(shown: list[Piece]) -> int:
    return sum(len(line) for piece in shown for line in piece.lines)


def _full_content_button(dossier: Dossier) -> str:
    """The label of the button that shows the complete content."""
    return next((LOOKS[verb].label for verb in (Verb.APPROVE, Verb.ANSWER) if verb in dossier.offered), "Details")
