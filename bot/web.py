"""The one aiohttp application: its routes, and the layers that every request passes."""

from __future__ import annotations

import time
from enum import Enum
from http import HTTPStatus

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from bot.api import docs, handlers, operations
from bot.api.authentication import authenticated
from bot.api.problem_types import Fault
from bot.api.problems import Problem
from bot.api.requests import MAX_BODY, too_large
from bot.api.service import SERVICE, Service
from bot.process.connections import watched
from bot.process.draining import UNDER_WAY, UnderWay, counted
from bot.process.headers import protected
from bot.slack.transport import door
from rules.reasons import Reason
from store.engine.workers import UnavailableError
from store.installation.policy_texts import UnreadablePolicyError

log = structlog.get_logger()


class Side(Enum):
    """Who is served at a port, by which routes. Liveness and the description of the API are everywhere."""

    BOTH = (*handlers.ROUTES, *operations.ROUTES, *docs.ROUTES)
    AGENTS = (*handlers.ROUTES, operations.LIVENESS, *docs.ROUTES)
    OPERATORS = (*operations.ROUTES, *docs.ROUTES)


def application(service: Service, side: Side = Side.BOTH) -> web.Application:
    app = web.Application(middlewares=[watched, counted, measured, answered, authenticated], client_max_size=MAX_BODY)
    app.on_response_prepare.append(protected)
    app[SERVICE], app[UNDER_WAY] = service, UnderWay()
    app.add_routes(side.value)
    if service.slack and service.slack.door and side is not Side.AGENTS:
        app.router.add_post(door.PATH, service.slack.door.enter)
    return app


@web.middleware
async def measured(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Counts and logs each request under its route, never its path: ids would be labels without end."""
    start = time.perf_counter()
    response = await handler(request)
    took = time.perf_counter() - start
    resource = request.match_info.route.resource
    route = resource.canonical if resource else "unknown"
    status = str(response.status)
    request.app[SERVICE].metrics.requests.labels(route, _method(request), status).observe(took)
    log.info("http.request", method=_method(request), route=route, status=response.status, ms=round(took * 1000, 1))
    return response


def _method(request: web.Request) -> str:
    known = ("GET", "POST", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS")
    return request.method if request.method in known else "other"


@web.middleware
async def answered(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Whatever went wrong, the answer is a problem document; what is our own fault is logged whole, and told short."""
    try:
        return await handler(request)
    except Problem as problem:
        return problem.response()
    except web.HTTPRequestEntityTooLarge:
        return too_large().response()
    except web.HTTPException as fault:
        return _of_aiohttp(fault).response()
    except UnavailableError as fault:
        log.warning("http.database_unavailable", error=str(fault))
        unreadable = isinstance(fault, UnreadablePolicyError)
        return Problem(Fault.POLICY_UNREADABLE if unreadable else Fault.UNAVAILABLE).response()
    except Exception:
        log.exception("http.fault", method=request.method, path=request.path)
        return Problem(Fault.INTERNAL).response()


def _of_aiohttp(fault: web.HTTPException) -> Problem:
    kept = {name: value for name, value in fault.headers.items() if name == "Allow"}
    match fault.status:
        case HTTPStatus.NOT_FOUND:
            return Problem(Reason.NOT_FOUND, "There is nothing at this address; /docs lists what there is.")
        case HTTPStatus.METHOD_NOT_ALLOWED:
            return Problem(Fault.METHOD_NOT_ALLOWED, headers=kept)
        case _:
            return Problem(Fault.BAD_REQUEST, f"{fault.reason}.")
