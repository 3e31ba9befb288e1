"""What a person has read of the present version: pages of Details, and steps of forms."""

from __future__ import annotations

from collections.abc import Iterable

from rules.state.model import PackageState
from rules.state.sightings import Details, FormStep


def has_read_details(state: PackageState, user_id: str) -> bool:
    """Whether the person has opened every page of Details that holds what is approved."""
    return bool(_all_pages(state, user_id, state.details))


def with_page_read(state: PackageState, seen: Details) -> PackageState:
    """The state once this page is recorded as read."""
    return state.model_copy(update={"details": (*state.details, seen)})


def form_renderings(state: PackageState, user_id: str) -> tuple[str, ...]:
    """The renderings of a form's steps, if the person has opened all of them; else none."""
    steps = _all_pages(state, user_id, state.forms)
    return tuple(step.rendering_id for step in steps if isinstance(step, FormStep))


def _all_pages(
    state: PackageState, user_id: str, opened: Iterable[Details | FormStep]
) -> tuple[Details | FormStep, ...]:
    """The person's opened pages in order; nothing while one of them is missing."""
    pages = {seen.page: seen for seen in opened if (seen.reviewer_id, seen.version) == (user_id, state.version)}
    count = max((seen.of for seen in pages.values()), default=0)
    needed = range(1, count + 1)
    return tuple(pages[page] for page in needed) if all(page in pages for page in needed) else ()
