"""Makes spans of what happens to packages. All spans of a package are in the trace in which it was submitted.

Attributes are ids, types, risk and status: never parameters, texts, names or tokens. A span that cannot be exported is
dropped; nobody waits for that.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import structlog
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, StatusCode, Tracer, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from rules.people.directory import ActorKind
from rules.record.status_document import Document
from rules.state.agent_commands import ClaimExecution
from rules.state.model import PackageState
from rules.trace_context import TraceContext
from rules.verbs.submission import Submit
from scheduler.callbacks.retries import AttemptResult, Delivered, Dropped, Postponed
from scheduler.callbacks.tracing import DeliverySpan, pass_trace_on
from store.commands.execute import Outcome
from store.commands.invocation import Invocation
from store.outbox.deliveries import ClaimedCallback

SUBMIT, WAIT, DECIDE, CLAIM, DELIVER = (
    f"countersign.{name}" for name in ("submit", "wait", "decide", "claim", "deliver")
)
Attributes = dict[str, str | int]

log = structlog.get_logger()

_W3C = TraceContextTextMapPropagator()


class TracedSubmission:
    def __init__(self, span: Span) -> None:
        self._span, self.trace = span, _trace_of(span)

    def describe(self, document: Document) -> None:
        names = ("decision_package_id", "action_type", "risk_level", "status")
        self._span.set_attributes({f"countersign.{name}": str(document[name]) for name in names if name in document})


class TracedDelivery:
    def __init__(self, span: Span) -> None:
        self._span, self.headers = span, _trace_of(span).headers

    def end(self, result: AttemptResult | None) -> None:
        """The callback may have been delivered, so a fault here must not look like a failed attempt."""
        try:
            self._end(result)
        except Exception:
            log.exception("tracing.fault", span=DELIVER)

    def _end(self, result: AttemptResult | None) -> None:
        if result is not None:
            self._span.set_attribute("countersign.result", type(result).__name__.lower())
        if not isinstance(result, Delivered | Dropped | Postponed):
            self._span.set_status(StatusCode.ERROR)
        self._span.end()


class Spans:
    """Implements `bot.tracing.tracing.Tracing`."""

    is_on = True

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    @contextmanager
    def submit(self, incoming: TraceContext | None) -> Iterator[TracedSubmission]:
        """A refused submission raises: the span is marked as an error, without the text."""
        span = self._tracer.start_span(SUBMIT, _context_of(incoming), SpanKind.SERVER)
        try:
            yield TracedSubmission(span)
        except BaseException:
            span.set_status(StatusCode.ERROR)
            raise
        finally:
            span.end()

    def observe(self, invocation: Invocation, outcome: Outcome, began: int) -> None:
        """The command is committed, so a fault here must not look like one of the command."""
        try:
            self._observe(invocation, outcome, began)
        except Exception:
            log.exception("tracing.fault", command=invocation.command.verb)

    def _observe(self, invocation: Invocation, outcome: Outcome, began: int) -> None:
        state, command = outcome.state, invocation.command
        if outcome.trace is None or state is None or outcome.replayed or isinstance(command, Submit):
            return
        facts = _facts(state) | {"countersign.verb": command.verb, "countersign.by": invocation.actor.kind.value}
        facts |= {"countersign.refusal": outcome.refusal.reason.value} if outcome.refusal else {}
        if isinstance(command, ClaimExecution):
            self._record(CLAIM, outcome, facts, began)
            return
        decided_at = _newly_decided(outcome.before, state)
        if decided_at:
            self._record(WAIT, outcome, _facts(state), _nanoseconds(state.created_at), _nanoseconds(decided_at))
        if decided_at or (invocation.actor.kind is ActorKind.PERSON and outcome.changed):
            self._record(DECIDE, outcome, facts, began)

    def begin_delivery(self, callback: ClaimedCallback) -> DeliverySpan:
        """A fault here must not keep the callback from being sent."""
        try:
            return self._begin_delivery(callback)
        except Exception:
            log.exception("tracing.fault", span=DELIVER)
            return pass_trace_on(callback)

    def _begin_delivery(self, callback: ClaimedCallback) -> TracedDelivery:
        facts: Attributes = {
            "countersign.decision_package_id": callback.package_id,
            "countersign.callback_id": callback.callback_id,
            "countersign.event_type": callback.event_type,
            "countersign.attempts": callback.attempts,
        }
        context = _context_of(callback.trace)
        return TracedDelivery(self._tracer.start_span(DELIVER, context, SpanKind.CLIENT, attributes=facts))

    def _record(self, name: str, outcome: Outcome, facts: Attributes, began: int, ended: int | None = None) -> None:
        span = self._tracer.start_span(name, _context_of(outcome.trace), attributes=facts, start_time=began)
        if outcome.refusal:
            span.set_status(StatusCode.ERROR)
        span.end(ended)


def _context_of(trace: TraceContext | None) -> Context:
    """Without a trace, an empty context: the span begins a trace of its own, whatever runs around it."""
    return _W3C.extract(trace.headers, Context()) if trace else Context()


def _trace_of(span: Span) -> TraceContext:
    headers: dict[str, str] = {}
    _W3C.inject(headers, set_span_in_context(span, Context()))
    return TraceContext(headers["traceparent"], headers.get("tracestate"))


def _facts(state: PackageState) -> Attributes:
    return {
        "countersign.decision_package_id": state.decision_package_id,
        "countersign.package_version": state.version,
        "countersign.action_type": state.action_type,
        "countersign.risk_level": state.risk.value,
        "countersign.status": state.status.value,
    }


def _newly_decided(before: PackageState | None, after: PackageState) -> datetime | None:
    return after.decision.decided_at if after.decision and before and before.decision is None else None


def _nanoseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000_000) * 1_000
