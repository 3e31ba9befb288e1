"""What schemathesis is told beyond the document itself: it loads this file as its hooks."""

from __future__ import annotations

from typing import Any

import schemathesis

LONGEST_WAIT = 30
INVALID = "urn:countersign:problem:invalid"
TWO_KEYS = "differs from the Idempotency-Key header"  # which no schema can say


@schemathesis.hook
def map_query(_: schemathesis.HookContext, query: dict[str, Any] | None) -> dict[str, Any] | None:
    """A long poll is as well tried by a short one."""
    wait = (query or {}).get("wait")
    if isinstance(wait, int | float) and 0 <= wait <= LONGEST_WAIT:
        return {**(query or {}), "wait": wait / 1000}
    return query


@schemathesis.check
def what_the_schema_allows_is_never_invalid(
    ctx: schemathesis.CheckContext, response: schemathesis.Response, case: schemathesis.Case[Any]
) -> None:
    """A rule may refuse what is well formed; the parser may not: then the document would be wrong, or the parser."""
    well_formed = case.meta is not None and case.meta.generation.mode.is_positive
    refused = INVALID in response.text and TWO_KEYS not in response.text
    assert not (well_formed and refused), response.text
