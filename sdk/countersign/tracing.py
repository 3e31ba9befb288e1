"""The trace of the agent, if it uses OpenTelemetry: the service keeps it with the package.

The SDK does not import OpenTelemetry. A span can only be active if the agent has imported it.
"""

from __future__ import annotations

import sys
from typing import Any


def trace_headers() -> dict[str, str]:
    """`traceparent` and `tracestate` of the active span; nothing if there is none."""
    trace: Any = sys.modules.get("opentelemetry.trace")
    if trace is None:
        return {}
    context = trace.get_current_span().get_span_context()
    if not context.is_valid:
        return {}
    parent = f"00-{context.trace_id:032x}-{context.span_id:016x}-{int(context.trace_flags):02x}"
    state = context.trace_state.to_header()
    return {"traceparent": parent} | ({"tracestate": state} if state else {})
