"""Parses the URL of the database, and gives the connect options of PostgreSQL.

Several hosts are written as libpq writes them, `postgresql://USER@HOST:PORT,HOST:PORT/NAME`, which SQLAlchemy cannot
read. They are a primary and its standbys. Each connection goes to the host that accepts writes now, so reconnecting
finds a standby that was promoted.
"""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy.engine import URL, make_url

_SEVERAL = re.compile(
    r"(?P<before>postgres[\w+]*://(?:[^@/?]*@)?)(?P<hosts>[^/?@]*,[^/?@]*)(?P<after>(?:[/?].*)?)", re.DOTALL
)
_PORT = re.compile(r":(\d*)$")
# A host without power sends no error: without these options, a connection to it would wait for hours.
_TIMEOUTS = {
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,
}


def parse_database_url(url: str) -> URL:
    """Like SQLAlchemy's `make_url`, but with several hosts, as PostgreSQL's clients accept them."""
    several = _SEVERAL.fullmatch(url)
    if several is None:
        return make_url(url)
    addresses = several["hosts"].split(",")
    ports = [port[1] if (port := _PORT.search(host)) else "" for host in addresses]
    names = [_PORT.sub("", host).strip("[]") for host in addresses]
    hosts = {"host": ",".join(names), "port": ",".join(port or "5432" for port in ports)}
    return make_url(several["before"] + several["after"]).update_query_dict(hosts)


def connect_options(url: URL) -> dict[str, Any]:
    """Options of every connection to this PostgreSQL, unless the URL sets them."""
    several = {"target_session_attrs": "read-write"} if _has_several_hosts(url) else {}
    return {name: value for name, value in (_TIMEOUTS | several).items() if name not in url.query}


def _has_several_hosts(url: URL) -> bool:
    hosts = url.query.get("host", url.host or "")
    return "," in hosts if isinstance(hosts, str) else True
