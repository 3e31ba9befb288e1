"""An agent that answers when it is sure and asks a person when it is not.

`execute_task` calls your `try_task`. An attempt with enough confidence and the recommendation `proceed` is the result.
Any other attempt becomes a question to people in Slack, and the result is their answer.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal, Unpack

from countersign.client import AsyncClient, Client
from countersign.confidence import Confidence
from countersign.outcomes import Answered, Outcome, TakenOver
from countersign.package import submit_proposal
from countersign.proposal import MAX_SENTENCE, MAX_TITLE, Changes, one_line
from countersign.settling import wait_until_settled
from countersign.wire import Flow, Patience, Perform


@dataclass(frozen=True, slots=True)
class Attempt:
    """The agent's own answer, and how sure it is of it."""

    response: str
    confidence: Confidence


@dataclass(frozen=True, slots=True)
class TaskResult:
    """How a task ended.

    `completed`: `result` is the agent's own answer. `completed_with_help`: it is a person's answer. `uncertain` (no
    answer) and `taken_over` (a person does the task): it is only the agent's unconfirmed attempt.
    """

    status: Literal["completed", "completed_with_help", "uncertain", "taken_over"]
    result: str
    confidence: Confidence
    outcome: Outcome | None = None


@dataclass(frozen=True)
class _Escalation:
    """The flow that both escalating agents share."""

    try_task: Callable[[str], Any]
    fields: Changes
    confidence_threshold: float
    timeout: float | None

    def flow(self, task: str, patience: Patience) -> Flow[TaskResult]:
        attempt = yield Perform(lambda: self.try_task(task))
        confidence = attempt.confidence
        if confidence.score >= self.confidence_threshold and confidence.recommendation == "proceed":
            return TaskResult("completed", attempt.response, confidence)
        package = yield from submit_proposal(self._question(task, attempt), None, "", patience)
        outcome = yield from wait_until_settled(package, None, 0, self.timeout)
        if isinstance(outcome, Answered):
            return TaskResult("completed_with_help", outcome.answer, confidence, outcome)
        status: Literal["taken_over", "uncertain"] = "taken_over" if isinstance(outcome, TakenOver) else "uncertain"
        return TaskResult(status, attempt.response, confidence, outcome)

    def _question(self, task: str, attempt: Attempt) -> Changes:
        """The question. Its parameters hold the task, so that the same task in the same run is the same package."""
        defaults: Changes = {
            "kind": "question",
            "title": one_line(task, MAX_TITLE),
            "action_type": "answer_question",
            "action_parameters": {"task": task},
            "proposed_action": one_line(f"Answer: {attempt.response}", MAX_SENTENCE),
            "rationale": attempt.confidence.rationale or "The agent is not sure enough to answer this by itself.",
            "risk_level": "medium",
        }
        return {**defaults, **attempt.confidence.said, **self.fields}


class EscalatingAgent:
    """Runs tasks and asks people when it is not sure. Further keywords (`risk_level`, `run_id` …) go into the question.

    It asks if the attempt's score is below `confidence_threshold` or its recommendation is not `proceed`. `timeout` is
    how many seconds to wait for people; after that `execute_task` raises `StillPendingError`.
    """

    def __init__(
        self,
        client: Client,
        try_task: Callable[[str], Attempt],
        *,
        confidence_threshold: float = 0.7,
        timeout: float | None = None,
        **fields: Unpack[Changes],
    ) -> None:
        self._client, self._escalation = client, _Escalation(try_task, fields, confidence_threshold, timeout)

    def execute_task(self, task: str) -> TaskResult:
        return self._client.run(self._escalation.flow(task, self._client.patience))


class AsyncEscalatingAgent:
    """`EscalatingAgent` for async code: `try_task` is an async function."""

    def __init__(
        self,
        client: AsyncClient,
        try_task: Callable[[str], Awaitable[Attempt]],
        *,
        confidence_threshold: float = 0.7,
        timeout: float | None = None,
        **fields: Unpack[Changes],
    ) -> None:
        self._client, self._escalation = client, _Escalation(try_task, fields, confidence_threshold, timeout)

    async def execute_task(self, task: str) -> TaskResult:
        return await self._client.run(self._escalation.flow(task, self._client.patience))
