"""What is approved has one spelling, and the SDK's is the service's and that of an independent library."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from countersign.canonical import action_digest, canonical
from rules import canonical as services
from rules.package import model
from rules.package.model import DecisionPackage
from tests.bot.service import HARD

numbers = st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(allow_nan=False, allow_infinity=False)
texts = st.text(st.characters(exclude_categories=["Cs"]))
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner) | st.dictionaries(texts, inner),
    max_leaves=20,
)


@given(values)
def test_the_spelling_is_that_of_the_service_and_of_the_standard(value: Any) -> None:
    assert canonical(value).encode() == services.canonical_json(value) == rfc8785.dumps(value)


@given(st.dictionaries(texts, values, max_size=4), st.none() | st.text("ab", min_size=1))
def test_the_digest_of_a_call_is_the_services(parameters: dict[str, Any], subject: str | None) -> None:
    theirs = DecisionPackage.model_construct(
        **HARD | {"action_parameters": parameters, "subject_type": subject, "subject_id": subject, "kind": "action"}
    )
    assert action_digest(HARD["action_type"], parameters, subject, subject) == model.action_digest(theirs)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 2**53, Decimal(1), {1, 2}, {1: 2}, object()])
def test_what_has_no_spelling_is_refused(value: Any) -> None:
    with pytest.raises((TypeError, ValueError, AttributeError)):
        canonical(value)
