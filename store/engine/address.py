"""Where the database is: the URL of a setting, and how a connection to a PostgreSQL of several hosts is made.

Several hosts are written as libpq writes them, `postgresql://USER@HOST:PORT,HOST:PORT/NAME`, which SQLAlchemy cannot
read. They are one primary and its standbys: each connection goes to the one that takes writes now, so a standby that
was promoted is found by connecting again.
"""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy.engine import URL, make_url

_SEVERAL = re.compile(
    r"(?P<before>postgres[\w+]*://(?:[^@/?]*@)?)(?P<hosts>[^/?@]*,[^/?@]*)(?P<after>(?:[/?].*)?)", re.DOTALL
)
_PORT = re.compile(r":(\d*)$")
# A machine that lost its power answers nothing: without these, a connection to it waits for hours.
_PATIENCE = {
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,
}


def parse_database_url(url: str) -> URL:
    several = _SEVERAL.fullmatch(url)
    if several is None:
        return make_url(url)
    each = several["hosts"].split(",")
    ports = [found[1] if (found := _PORT.search(host)) else "" for host in each]
    names = [_PORT.sub("", host).strip("[]") for host in each]
    hosts = {"host": ",".join(names), "port": ",".join(port or "5432" for port in ports)}
    return make_url(several["before"] + several["after"]).update_query_dict(hosts)


def connect_options(url: URL) -> dict[str, Any]:
    """What every connection to this PostgreSQL is made with, unless the URL says otherwise."""
    several = {"target_session_attrs": "read-write"} if _has_several_hosts(url) else {}
    return {name: value for name, value in (_PATIENCE | several).items() if name not in url.query}


def _has_several_hosts(url: URL) -> bool:
    hosts = url.query.get("host", url.host or "")
    return "," in hosts if isinstance(hosts, str) else True
