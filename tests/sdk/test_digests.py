"""The SDK, the service and an independent library write the same canonical JSON."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from countersign.canonical import action_digest, canonical
from rules import canonical as service_canonical
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
def test_canonical_json_equals_the_services_and_the_standards(value: Any) -> None:
    assert canonical(value).encode() == service_canonical.canonical_json(value) == rfc8785.dumps(value)


@given(st.dictionaries(texts, values, max_size=4), st.none() | st.text("ab", min_size=1))
def test_the_digest_of_a_call_equals_the_services(parameters: dict[str, Any], subject: str | None) -> None:
    service_package = DecisionPackage.model_construct(
        **HARD | {"action_parameters": parameters, "subject_type": subject, "subject_id": subject, "kind": "action"}
    )
    assert action_digest(HARD["action_type"], parameters, subject, subject) == model.action_digest(service_package)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 2**53, Decimal(1), {1, 2}, {1: 2}, object()])
def test_a_value_without_canonical_json_is_refused(value: Any) -> None:
    with pytest.raises((TypeError, ValueError, AttributeError)):
        canonical(value)
