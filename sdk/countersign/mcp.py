"""An MCP server, with which agents of any framework ask people before they act.

`countersign-mcp` serves it on stdin and stdout. A coding agent can name `permission_prompt` as its permission tool: it
then asks people before each use of a tool that its own rules do not allow. Models read the docstrings of the tools.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError

from countersign.canonical import digest_of
from countersign.client import AsyncClient
from countersign.document import StatusDocument
from countersign.errors import CountersignError, StillPendingError
from countersign.package import Reported
from countersign.proposal import MAX_TITLE, Proposal, RiskLevel, one_line

P = ParamSpec("P")
T = TypeVar("T")

INSTRUCTIONS = (
    "Before anything that cannot be undone, costs money or reaches outside: call request_approval, then await_decision"
    " until it is terminal. Only if may_proceed is true: call claim_execution, act on exactly the action_parameters"
    " that it gives back, then report_outcome. A decision that has not come yet is not a refusal and not a permission."
)
MAX_WAIT = 50.0  # seconds: MCP clients give up on a tool call after a minute


async def request_approval(  # noqa: PLR0917 - MCP passes them by name
    title: str,
    action_type: str,
    action_parameters: dict[str, Any],
    proposed_action: str,
    rationale: str,
    risk_level: RiskLevel,
    confidence: float,
    more: dict[str, Any] | None = None,
    idempotency_key: str | None = None,
) -> dict[str, Any]:
    """Ask people for permission to do one exact thing. Returns its status; act only if may_proceed is true.

    `action_parameters` are the exact arguments; `confidence` goes from 0 to 1. `more` are further fields of a decision
    package: evidence_refs, known_uncertainties, alternatives, policy_basis, side_effect_preview, consequence,
    rollback_plan, reversibility, cost, requested_by, run_id, thread_id and so on. The same idempotency_key again is the
    same request.
    """
    proposal: Any = {
        **(more or {}),
        "title": title,
        "action_type": action_type,
        "action_parameters": action_parameters,
        "proposed_action": proposed_action,
        "rationale": rationale,
        "risk_level": risk_level,
        "confidence": confidence,
    }
    async with AsyncClient() as client:
        return _as_dict((await client.request(**proposal, idempotency_key=idempotency_key)).document)


async def await_decision(decision_package_id: str, wait_seconds: float = 25) -> dict[str, Any]:
    """Wait for people, for up to 50 seconds. If it is still pending then, call this again."""
    async with AsyncClient() as client:
        handle = await client.handle(decision_package_id)
        with suppress(StillPendingError):
            await handle.wait(timeout=max(0.0, min(wait_seconds, MAX_WAIT)))
        return _as_dict(handle.document)


async def get_package(decision_package_id: str) -> dict[str, Any]:
    """How a request stands now."""
    async with AsyncClient() as client:
        return _as_dict((await client.handle(decision_package_id)).document)


async def report_outcome(
    decision_package_id: str,
    claim_id: str,
    state: Reported,
    detail: str | None = None,
) -> dict[str, Any]:
    """Say what came of it; the people who approved are told."""
    async with AsyncClient() as client:
        handle = await client.handle(decision_package_id, claim_id=claim_id)
        await handle.report(state, detail)
        return _as_dict(handle.document)


def _with_tool_errors(tool: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
    """Shows errors of this package to the model. All other exceptions stay hidden from it."""

    @wraps(tool)
    async def wrapper(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await tool(*args, **kwargs)
        except CountersignError as fault:
            raise ToolError(str(fault)) from fault

    return wrapper


def _as_dict(document: StatusDocument) -> dict[str, Any]:
    return dict(document)


class Claims:
    """The claim ids of this process. They are not stored: another process must not act on a claim of this one."""

    def __init__(self) -> None:
        self._ids: dict[str, str] = {}

    async def claim_execution(self, decision_package_id: str) -> dict[str, Any]:
        """Take an approval, once. Act on exactly these action_parameters, then report_outcome under this claim_id.

        If the answer was lost, call this again: until the outcome is reported it gives the same claim. Act only once.
        """
        claim_id = self._ids.setdefault(decision_package_id, f"claim-{uuid.uuid4().hex}")
        async with AsyncClient() as client:
            handle = await client.handle(decision_package_id, claim_id=claim_id)
            return {"action_parameters": await handle.claim(), "claim_id": claim_id}


class Permissions:
    """The permission tool of a coding agent.

    People approve the use of a tool, and the package counts as done once the permission is given: only the coding agent
    knows what the tool then did.
    """

    def __init__(self, risk_level: RiskLevel, confidence: float, wait: float) -> None:
        self._risk_level, self._confidence, self._wait = risk_level, confidence, wait

    async def prompt(self, tool_name: str, input: dict[str, Any], tool_use_id: str = "") -> str:  # noqa: A002 - the protocol's name
        """Ask people whether a coding agent may use a tool with exactly this input."""
        try:
            async with AsyncClient() as client:
                return await self._answer(client, tool_name, input, tool_use_id or uuid.uuid4().hex)
        except CountersignError as fault:
            return _denied(f"No permission: {fault}")

    async def _answer(self, client: AsyncClient, tool_name: str, tool_input: dict[str, Any], use: str) -> str:
        key = digest_of([use, tool_name, tool_input])
        handle = await client.request(**self._proposal(tool_name, tool_input, use), idempotency_key=key)
        try:
            outcome = await handle.settle(timeout=self._wait)
        except StillPendingError:
            await handle.cancel("The coding agent could not wait any longer.")
            return _denied("Nobody has decided in time, which is no refusal. It was withdrawn; ask again later.")
        if not outcome.permits:
            return _denied(f"{outcome.message} {outcome.comment or ''}".strip())
        approved = await handle.claim()
        await handle.succeeded("The permission was given; what the tool then did is the coding agent's to say.")
        return json.dumps({"behavior": "allow", "updatedInput": approved})

    def _proposal(self, tool_name: str, tool_input: dict[str, Any], use: str) -> Proposal:
        return {
            "kind": "tool_call",
            "title": one_line(f"Use {tool_name}", MAX_TITLE),
            "action_type": f"tool.{tool_name}",
            "action_parameters": tool_input,
            "proposed_action": f"Let the coding agent use {tool_name} with exactly these parameters.",
            "rationale": "Its own rules do not let it use this tool without a person's leave.",
            "risk_level": self._risk_level,
            "confidence": self._confidence,
            "known_uncertainties": ["The coding agent has not said what it needs this for."],
            "metadata": {"tool_use_id": use},
        }


def _denied(message: str) -> str:
    return json.dumps({"behavior": "deny", "message": message})


def server(*, risk_level: RiskLevel = "medium", confidence: float = 0.7, wait: float = 240.0) -> MCPServer:
    """The MCP server with all tools. The arguments apply to `permission_prompt`; `wait` is in seconds."""
    mcp_server = MCPServer("countersign", instructions=INSTRUCTIONS)
    tools: tuple[Callable[..., Awaitable[Any]], ...] = (
        request_approval,
        await_decision,
        get_package,
        Claims().claim_execution,
        report_outcome,
    )
    for tool in tools:
        mcp_server.add_tool(_with_tool_errors(tool))
    permissions = Permissions(risk_level, confidence, wait)
    mcp_server.add_tool(permissions.prompt, name="permission_prompt", structured_output=False)
    return mcp_server
