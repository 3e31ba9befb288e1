"""The aiohttp application: its routes, and the middlewares that every request passes.

From the outside in: track the connection, count the request as in progress, measure and log it, turn exceptions into
problem documents, authenticate the agent. Each audience (operators, agents) can have a port and an application of its
own.
"""

from __future__ import annotations

import time
from enum import Enum
from http import HTTPStatus

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from bot.api import handlers, operations
from bot.api.authentication import authenticate
from bot.api.description import docs
from bot.api.problem_types import Fault
from bot.api.problems import Problem
from bot.api.requests import MAX_BODY, too_large_problem
from bot.api.service import SERVICE, Service
from bot.api.threads import handlers as threads
from bot.api.threads import handoff_handlers
from bot.process.connections import track_connection
from bot.process.draining import ACTIVE_REQUESTS, ActiveRequests, track_request
from bot.process.headers import add_headers
from bot.slack.transport import endpoint
from rules.reasons import Reason
from store.engine.workers import UnavailableError
from store.installation.policy_texts import UnreadablePolicyError

log = structlog.get_logger()


class Audience(Enum):
    """The routes that a port serves. Liveness and the API's documentation are on every port."""

    BOTH = (*handlers.ROUTES, *threads.ROUTES, *handoff_handlers.ROUTES, *operations.ROUTES, *docs.ROUTES)
    AGENTS = (*handlers.ROUTES, *threads.ROUTES, *handoff_handlers.ROUTES, operations.LIVENESS, *docs.ROUTES)
    OPERATORS = (*operations.ROUTES, *docs.ROUTES)


def application(service: Service, audience: Audience = Audience.BOTH) -> web.Application:
    middlewares = [track_connection, track_request, measure_request, answer_problems, authenticate]
    app = web.Application(middlewares=middlewares, client_max_size=MAX_BODY)
    app.on_response_prepare.append(add_headers)
    app[SERVICE], app[ACTIVE_REQUESTS] = service, ActiveRequests()
    app.add_routes(audience.value)
    if service.slack and service.slack.endpoint and audience is not Audience.AGENTS:
        app.router.add_post(endpoint.PATH, service.slack.endpoint.handle)
    return app


@web.middleware
async def measure_request(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Measure and log each request under its route, never its path: ids would make an unlimited number of labels."""
    start = time.perf_counter()
    response = await handler(request)
    duration = time.perf_counter() - start
    resource = request.match_info.route.resource
    route = resource.canonical if resource else "unknown"
    status = str(response.status)
    request.app[SERVICE].metrics.requests.labels(route, _method(request), status).observe(duration)
    log.info("http.request", method=_method(request), route=route, status=response.status, ms=round(duration * 1000, 1))
    return response


def _method(request: web.Request) -> str:
    standard_methods = ("GET", "POST", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS")
    return request.method if request.method in standard_methods else "other"


@web.middleware
async def answer_problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer every exception with a problem document. An unexpected one is logged with its traceback."""
    try:
        return await handler(request)
    except Problem as problem:
        return problem.response()
    except web.HTTPRequestEntityTooLarge:
        return too_large_problem().response()
    except web.HTTPException as fault:
        return _http_problem(fault).response()
    except UnavailableError as fault:
        log.warning("http.database_unavailable", error=str(fault))
        unreadable = isinstance(fault, UnreadablePolicyError)
        return Problem(Fault.POLICY_UNREADABLE if unreadable else Fault.UNAVAILABLE).response()
    except Exception:
        log.exception("http.fault", method=request.method, path=request.path)
        return Problem(Fault.INTERNAL).response()


def _http_problem(fault: web.HTTPException) -> Problem:
    allow = {name: value for name, value in fault.headers.items() if name == "Allow"}
    match fault.status:
        case HTTPStatus.NOT_FOUND:
            return Problem(Reason.NOT_FOUND, "There is nothing at this address; /docs lists what there is.")
        case HTTPStatus.METHOD_NOT_ALLOWED:
            return Problem(Fault.METHOD_NOT_ALLOWED, headers=allow)
        case _:
            return Problem(Fault.BAD_REQUEST, f"{fault.reason}.")
