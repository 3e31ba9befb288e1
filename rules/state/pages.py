"""Pages of Details and steps of forms that a person opened, as commands and states name them."""

from __future__ import annotations

from pydantic import Field

from rules.values import Value


class Page(Value):
    """A page of one version, with its rendering. `of`: how many pages, from the first on, hold what is approved."""

    expected_package_version: int = Field(ge=1)
    rendering_id: str = Field(min_length=1, max_length=255)
    page: int = Field(ge=1)
    of: int = Field(ge=1)


class FormStep(Value):
    """A step of a form that a reviewer opened, with its rendering."""

    reviewer_id: str
    version: int
    page: int
    of: int
    rendering_id: str
