"""Arguments are shown to people as JSON, and the approved JSON becomes the same arguments again or is refused."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, TypedDict
from uuid import UUID

import pytest
from pydantic import AliasChoices, AliasPath, BaseModel, ConfigDict, Field, RootModel, computed_field
from pydantic.alias_generators import to_camel

from countersign import MisfitError
from countersign.signature import Signature


class Colour(enum.Enum):
    BLUE = "blue"


@dataclass(frozen=True)
class Seat:
    row: int
    taken: bool = False


class Guest(BaseModel):
    name: str
    born: date


class Party(BaseModel):
    guests: list[Guest]


class Letter(BaseModel):
    """Each field has an alias, in each way that pydantic offers."""

    sender: str = Field(alias="from")
    to: str = Field(validation_alias="recipient")
    body: str = Field(validation_alias=AliasChoices("text", AliasPath("parts", 0)), serialization_alias="content")  # type: ignore[pydantic-alias]
    guests: list[Guest] = Field(default=[], alias="with")


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", serialize_by_alias=True, alias_generator=to_camel)

    full_name: str  # type: ignore[pydantic-alias]


class Bill(BaseModel):
    items: list[int]

    @computed_field
    def total(self) -> int:
        return sum(self.items)


class Names(RootModel[list[str]]):
    pass


class Order(TypedDict):
    number: int


LETTER = Letter.model_validate(
    {"from": "Ada", "recipient": "Bob", "parts": ["Hi."], "with": [Guest(name="Eve", born=date(1815, 12, 10))]}
)
VALUES: list[tuple[Any, Any]] = [
    (int, 3),
    (float, 2.5),
    (bool, True),
    (str, "a"),
    (str | None, None),
    (int | str, "a"),
    (list[int], [1, 2]),
    (Sequence[int], [1, 2]),
    (tuple[int, str], (1, "a")),
    (tuple[int, ...], (1, 2, 3)),
    (set[str], {"a", "b"}),
    (dict[str, list[int]], {"a": [1]}),
    (Mapping[str, int], {"a": 1}),
    (Literal["x", "y"], "y"),
    (Annotated[int, "of something"], 3),
    (datetime, datetime(2026, 12, 24, 18, tzinfo=UTC)),
    (date, date(2026, 12, 24)),
    (Decimal, Decimal("1.50")),
    (UUID, UUID(int=7)),
    (Path, Path("/srv/a")),
    (Colour, Colour.BLUE),
    (Seat, Seat(3, taken=True)),
    (list[Seat], [Seat(1)]),
    (Guest, Guest(name="Ada", born=date(1815, 12, 10))),
    (Letter, LETTER),
    (dict[str, Letter], {"first": LETTER}),
    (Strict, Strict(fullName="Ada Lovelace")),
    (Bill, Bill(items=[1, 2])),
    (Names, Names(["Ada", "Bob"])),
    (Order, {"number": 3}),
    (Any, {"a": [1, {"b": None}]}),
]


def signature(kind: Any) -> Signature:
    def function(value: Any) -> None: ...

    function.__annotations__["value"] = kind
    return Signature(function)


@pytest.mark.parametrize(("kind", "value"), VALUES)
def test_a_value_of_each_type_comes_back_unchanged(kind: Any, value: Any) -> None:
    function_signature = signature(kind)
    parameters, _ = function_signature.bind([value], {})
    assert function_signature.call(parameters, {}).arguments == {"value": value}


EDITS: list[tuple[Any, Any]] = [
    (int, True),
    (int, 1.5),
    (int, "1"),
    (bool, 0),
    (str, 1),
    (str, None),
    (list[int], ["a"]),
    (list[int], "ab"),
    (tuple[int, str], [1]),
    (dict[str, int], {"a": "b"}),
    (dict[str, int], [1]),
    (Literal["x"], "z"),
    (Literal[1], True),
    (datetime, "tomorrow"),
    (Decimal, "a lot"),
    (Decimal, 1.5),
    (UUID, "7"),
    (Colour, "green"),
    (Seat, {"row": "a"}),
    (Seat, {"row": 1, "column": 2}),
    (Seat, {}),
    (Guest, {"name": "Ada"}),
    (Guest, {"name": "Ada", "born": 0}),
    (Guest, {"name": "Ada", "born": "1815-12-10", "brings": "Charles"}),
    (Party, {"guests": [{"name": "Ada", "born": "1815-12-10", "brings": "Charles"}]}),
    (Letter, {"from": "Ada", "to": "Bob", "body": "Hi."}),
    (Letter, {"sender": "Ada", "from": "Eve", "to": "Bob", "body": "Hi."}),
    (Strict, {"full_name": "Ada", "fullName": "Eve"}),
    (Bill, {"items": [1, 2], "total": 4}),
    (Names, ["Ada", 1]),
    (Names, {"root": ["Ada"]}),
    (Order, {}),
    (Order, {"number": 3, "colour": "blue"}),
    (int | None, "a"),
]


@pytest.mark.parametrize(("kind", "edited"), EDITS)
def test_an_edit_that_does_not_fit_the_type_is_refused(kind: Any, edited: Any) -> None:
    with pytest.raises(MisfitError, match="value"):
        signature(kind).call({"value": edited}, {})


@pytest.mark.parametrize(
    "value", [datetime(2026, 1, 1, tzinfo=UTC), Colour.BLUE, {1: 2}, object(), float("nan"), 2**60, [{"a": Decimal(1)}]]
)
def test_a_value_that_would_come_back_changed_is_refused_before_anybody_is_asked(value: Any) -> None:
    with pytest.raises(MisfitError, match="value"):
        signature(Any).bind([value], {})


def test_a_model_is_shown_and_edited_by_the_own_names_of_its_fields() -> None:
    function_signature = signature(Letter)
    parameters, _ = function_signature.bind([LETTER], {})
    assert parameters["value"] == {
        "sender": "Ada",
        "to": "Bob",
        "body": "Hi.",
        "guests": [{"name": "Eve", "born": "1815-12-10"}],
    }
    edited = parameters["value"] | {"to": "Charles", "guests": []}
    read = function_signature.call({"value": edited}, {}).arguments["value"]
    assert (read.sender, read.to, read.body, read.guests) == ("Ada", "Charles", "Hi.", [])


def test_a_value_that_does_not_match_its_annotation_is_refused_before_anybody_is_asked() -> None:
    with pytest.raises(MisfitError):
        signature(int).bind(["3"], {})


def test_positional_keyword_and_extra_arguments_reach_their_parameters() -> None:
    def function(first: int, /, second: int, *, third: int = 3, **more: int) -> None: ...

    function_signature = Signature(function)
    parameters, _ = function_signature.bind([1, 2], {"fourth": 4})
    assert parameters == {"first": 1, "second": 2, "third": 3, "fourth": 4}
    call = function_signature.call(parameters, {})
    assert (call.args, call.kwargs) == ((1, 2), {"third": 3, "fourth": 4})


def test_a_reviewer_cannot_set_a_context_argument() -> None:
    def function(connection: object, record: str) -> None: ...

    with pytest.raises(MisfitError, match="not for reviewers"):
        Signature(function, ["connection"]).call({"connection": 1, "record": "42"}, {"connection": 2})


class Opaque:
    pass


@pytest.mark.parametrize("kind", [Opaque, list[Opaque], type, "Missing"])
def test_a_type_without_a_json_form_is_refused_when_the_function_is_defined(kind: Any) -> None:
    with pytest.raises(TypeError):
        signature(kind)
