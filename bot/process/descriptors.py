"""The limit on file descriptors, and how many of them are for incoming connections."""

from __future__ import annotations

import resource

import structlog

log = structlog.get_logger()

WANTED = 16_384
# For the database, Slack, callbacks and files, and for connections that are accepted but not registered yet.
RESERVED = 512
MAX_CONNECTIONS = 8_192
MIN_CONNECTIONS = 64


def raise_descriptor_limit() -> int:
    """Raise the soft limit to the hard limit, at most `WANTED`, and return it."""
    soft, hard = (_finite(limit) for limit in resource.getrlimit(resource.RLIMIT_NOFILE))
    target = min(hard, WANTED)
    if soft >= target:
        return soft
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (target, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    except (OSError, ValueError) as fault:
        log.warning("descriptors.not_raised", soft=soft, wanted=target, error=str(fault))
        return soft
    return target


def connection_limit(limit: int) -> int:
    """How many incoming connections the limit allows. Even with very few descriptors, some are accepted."""
    if limit < RESERVED + MIN_CONNECTIONS:
        log.warning("descriptors.too_few", limit=limit, needed=RESERVED + MIN_CONNECTIONS, fix="raise `ulimit -n`")
    return max(MIN_CONNECTIONS, min(MAX_CONNECTIONS, limit - RESERVED))


def _finite(limit: int) -> int:
    return WANTED if limit == resource.RLIM_INFINITY else limit
