"""Authentication of agents by their API key. No key allows what only people may do."""

from __future__ import annotations

from aiohttp import web
from aiohttp.typedefs import Handler

from bot.api.problem_types import Fault
from bot.api.problems import Problem
from bot.api.service import SERVICE
from bot.process.connections import Phase, mark_proven, peer_of
from rules.people.directory import Agent

_UNKNOWN_KEY = (
    "No agent has this key: it may have been replaced or revoked, or be another service's."
    " `countersign agents rotate` gives an agent a new one."
)
AGENT = web.RequestKey("agent", Agent)


@web.middleware
async def authenticate(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Require an agent's key for everything under /v1. Other routes reveal nothing about agents or packages."""
    if not request.path.startswith("/v1/") or request.match_info.http_exception is not None:
        return await handler(request)
    service = request.app[SERVICE]
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    has_key = scheme.lower() == "bearer" and bool(key.strip())
    agent = await service.store.agent_by_key(key) if has_key and key.isascii() else None
    if agent is None:
        service.metrics.unauthenticated.inc()
        if has_key:
            await service.wrong_keys.delay_answer(peer_of(request))
        raise Problem(Fault.UNAUTHENTICATED, _UNKNOWN_KEY if has_key else None, headers={"WWW-Authenticate": "Bearer"})
    mark_proven(request, Phase.AGENT)
    request[AGENT] = agent
    return await handler(request)
