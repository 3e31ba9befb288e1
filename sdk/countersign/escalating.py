"""The escalating agent: what it is not sure enough of, it asks a person, and uses the answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal, Unpack

from countersign.client import AsyncClient, Client
from countersign.confidence import Confidence
from countersign.outcomes import Answered, Outcome, TakenOver
from countersign.package import submitted
from countersign.proposal import MAX_SENTENCE, MAX_TITLE, Changes, one_line
from countersign.settling import settled
from countersign.wire import Flow, Patience, Perform


@dataclass(frozen=True, slots=True)
class Attempt:
    """What the agent would answer by itself, and how sure it is of that."""

    response: str
    confidence: Confidence


@dataclass(frozen=True, slots=True)
class TaskResult:
    """`uncertain` and `taken_over` are no answers: `result` is then only what the agent would have said."""

    status: Literal["completed", "completed_with_help", "uncertain", "taken_over"]
    result: str
    confidence: Confidence
    outcome: Outcome | None = None


@dataclass(frozen=True)
class _Escalation:
    """Whom it asks, and when. `try_task` is the agent's own."""

    try_task: Callable[[str], Any]
    said: Changes
    confidence_threshold: float
    timeout: float | None

    def flow(self, task: str, patience: Patience) -> Flow[TaskResult]:
        attempt = yield Perform(lambda: self.try_task(task))
        sure = attempt.confidence
        if sure.score >= self.confidence_threshold and sure.recommendation == "proceed":
            return TaskResult("completed", attempt.response, sure)
        package = yield from submitted(self._question(task, attempt), None, "", patience)
        outcome = yield from settled(package, None, 0, self.timeout)
        if isinstance(outcome, Answered):
            return TaskResult("completed_with_help", outcome.answer, sure, outcome)
        status: Literal["taken_over", "uncertain"] = "taken_over" if isinstance(outcome, TakenOver) else "uncertain"
        return TaskResult(status, attempt.response, sure, outcome)

    def _question(self, task: str, attempt: Attempt) -> Changes:
        """With its parameters, so that the same question of the same run is the same package."""
        own: Changes = {
            "kind": "question",
            "title": one_line(task, MAX_TITLE),
            "action_type": "answer_question",
            "action_parameters": {"task": task},
            "proposed_action": one_line(f"Answer: {attempt.response}", MAX_SENTENCE),
            "rationale": attempt.confidence.rationale or "The agent is not sure enough to answer this by itself.",
            "risk_level": "medium",
        }
        return {**own, **attempt.confidence.said, **self.said}


class EscalatingAgent:
    """`try_task` gives an Attempt. What else is said of the question (`risk_level`, `run_id` …) comes as keywords."""

    def __init__(
        self,
        client: Client,
        try_task: Callable[[str], Attempt],
        *,
        confidence_threshold: float = 0.7,
        timeout: float | None = None,
        **said: Unpack[Changes],
    ) -> None:
        self._client, self._its = client, _Escalation(try_task, said, confidence_threshold, timeout)

    def execute_task(self, task: str) -> TaskResult:
        return self._client.run(self._its.flow(task, self._client.patience))


class AsyncEscalatingAgent:
    """The same for async code."""

    def __init__(
        self,
        client: AsyncClient,
        try_task: Callable[[str], Awaitable[Attempt]],
        *,
        confidence_threshold: float = 0.7,
        timeout: float | None = None,
        **said: Unpack[Changes],
    ) -> None:
        self._client, self._its = client, _Escalation(try_task, said, confidence_threshold, timeout)

    async def execute_task(self, task: str) -> TaskResult:
        return await self._client.run(self._its.flow(task, self._client.patience))
