"""What operators and machines ask of the service: is it alive, is it ready and in which posture, how is it doing."""

from __future__ import annotations

import json
from http import HTTPStatus

from aiohttp import web

from bot.service import SERVICE
from store.workers import UnavailableError


async def healthz(_: web.Request) -> web.Response:
    """Alive: the process answers. Nothing else is asked, so that a slow database restarts nobody."""
    return web.json_response({"status": "ok"})


async def readyz(request: web.Request) -> web.Response:
    """Ready: the database answers. The posture says by which policy, and what holds back approvals now."""
    service = request.app[SERVICE]
    store, policy = service.store, service.store.house.policy
    try:
        standing = await store.read(store.house.standing)
    except UnavailableError:
        body = {"ready": False, "checks": {"database": "does not answer"}}
        return web.json_response(body, status=HTTPStatus.SERVICE_UNAVAILABLE)
    directory = standing.directory_as_of
    fresh = directory is not None and store.clock() - directory <= policy.directory.max_age
    body = {
        "ready": True,
        "checks": {"database": "ok", "directory": "fresh" if fresh else "stale: nobody can decide"},
        "posture": {
            "policy_version": policy.full_version,
            "soft_approval": policy.soft.enabled,
            "frozen": standing.frozen,
            "tenant_id": store.house.tenant_id,
        },
    }
    return web.Response(text=json.dumps(body), content_type="application/json")


async def metrics(request: web.Request) -> web.Response:
    page, content_type = request.app[SERVICE].metrics.page()
    return web.Response(body=page, headers={"Content-Type": content_type})


ROUTES = [
    web.get("/healthz", healthz),
    web.get("/readyz", readyz),
    web.get("/metrics", metrics),
]
