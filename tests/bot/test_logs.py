"""Logs never show variables of a traceback, or control characters."""

from __future__ import annotations

import subprocess
import sys

import pytest

from bot import logs
from bot.settings import LogFormat


@pytest.mark.parametrize("on_a_terminal", [True, False])
@pytest.mark.parametrize("form", list(LogFormat))
def test_no_traceback_shows_the_variables_of_its_frames(
    monkeypatch: pytest.MonkeyPatch, form: LogFormat, on_a_terminal: bool
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: on_a_terminal)
    key = "csk_" + "in hand".replace(" ", "_")
    with pytest.raises(ZeroDivisionError) as raised:
        assert 1 / (len(key) - len(key)) == 0
    fault = (raised.type, raised.value, raised.tb)
    shown = logs._renderer(form, sys.stderr)(None, "error", {"event": "Error handling request", "exc_info": fault})
    assert "Error handling request" in str(shown)
    assert "csk_in_hand" not in str(shown)


SPEAKS = """
import logging, sys
from bot import logs
from bot.settings import LogFormat
import structlog
logs.set_up(LogFormat(sys.argv[1]))
evil = "a\\x1b[31m\\r\\nlevel=error\\x00\\x9b\\u202e\\ud800"
structlog.get_logger().warning("slack.event", kind=evil, inside=[evil], fault=ValueError(evil))
logging.getLogger("a.library").warning("it says %s", evil)
try:
    raise ValueError(evil)
except ValueError:
    structlog.get_logger().exception("slack.fault")
"""


@pytest.mark.parametrize("form", list(LogFormat))
def test_log_lines_hold_no_control_or_unencodable_characters(form: LogFormat) -> None:
    ran = subprocess.run([sys.executable, "-c", SPEAKS, form], capture_output=True, check=True)
    lines = ran.stderr.decode().splitlines()
    assert len(lines) == 3
    assert [line for line in lines if not line.isprintable()] == []
    assert b"Logging error" not in ran.stderr
