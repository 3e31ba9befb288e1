"""How many files and sockets this process may open, and how many of them are for connections that come in."""

from __future__ import annotations

import resource

import structlog

log = structlog.get_logger()

WANTED = 16_384
# For the database, Slack, callbacks and files; and for connections that were accepted but not yet counted.
RESERVED = 512
MOST = 8_192  # connections that come in
LEAST = 64


def raised() -> int:
    """Raises the soft limit to the hard one, within reason, and gives what it is then."""
    soft, hard = (_known(limit) for limit in resource.getrlimit(resource.RLIMIT_NOFILE))
    better = min(hard, WANTED)
    if soft >= better:
        return soft
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (better, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    except (OSError, ValueError) as fault:
        log.warning("descriptors.not_raised", soft=soft, wanted=better, error=str(fault))
        return soft
    return better


def for_connections(limit: int) -> int:
    """What remains for connections. A process with very few descriptors still takes some."""
    if limit < RESERVED + LEAST:
        log.warning("descriptors.too_few", limit=limit, needed=RESERVED + LEAST, fix="raise `ulimit -n`")
    return max(LEAST, min(MOST, limit - RESERVED))


def _known(limit: int) -> int:
    return WANTED if limit == resource.RLIM_INFINITY else limit
