"""What the log shows of a fault: where it was, and never what was in hand there."""

from __future__ import annotations

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
