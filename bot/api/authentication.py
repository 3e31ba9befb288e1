"""Who asks: an agent by its key. No key can do what only people may."""

from __future__ import annotations

from aiohttp import web
from aiohttp.typedefs import Handler

from bot.api.problem_types import Fault
from bot.api.problems import Problem
from bot.api.service import SERVICE
from bot.process.connections import Phase, peer_of, proven
from rules.people.directory import Agent

UNKNOWN = (
    "No agent has this key: it may have been replaced or revoked, or be another service's."
    " `countersign agents rotate` gives an agent a new one."
)
AGENT = web.RequestKey("agent", Agent)


@web.middleware
async def authenticated(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Everything under /v1 belongs to an agent; all else says nothing of anybody."""
    if not request.path.startswith("/v1/") or request.match_info.http_exception is not None:
        return await handler(request)
    service = request.app[SERVICE]
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    sent = scheme.lower() == "bearer" and bool(key.strip())
    agent = await service.store.agent_of(key) if sent and key.isascii() else None
    if agent is None:
        service.metrics.unauthenticated.inc()
        if sent:
            await service.wrong_keys.met(peer_of(request))
        raise Problem(Fault.UNAUTHENTICATED, UNKNOWN if sent else None, headers={"WWW-Authenticate": "Bearer"})
    proven(request, Phase.AGENT)
    request[AGENT] = agent
    return await handler(request)
