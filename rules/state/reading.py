"""What a person has had in front of them, of the version that is to be decided."""

from __future__ import annotations

from collections.abc import Iterable

from rules.state.model import Details, PackageState
from rules.state.pages import FormStep


def has_read_details(state: PackageState, who: str) -> bool:
    """Whether they have opened every page of Details that holds what an approval is for."""
    return bool(_complete(state, who, state.details))


def form_renderings(state: PackageState, who: str) -> tuple[str, ...]:
    """The renderings of a form's steps, if they have opened all of them; else none."""
    steps = _complete(state, who, state.forms)
    return tuple(step.rendering_id for step in steps if isinstance(step, FormStep))


def _complete(state: PackageState, who: str, opened: Iterable[Details | FormStep]) -> tuple[Details | FormStep, ...]:
    """Their pages in order, from the first to the last of as many as there are; nothing while one is missing."""
    pages = {seen.page: seen for seen in opened if (seen.reviewer_id, seen.version) == (who, state.version)}
    count = max((seen.of for seen in pages.values()), default=0)
    needed = range(1, count + 1)
    return tuple(pages[page] for page in needed) if all(page in pages for page in needed) else ()
