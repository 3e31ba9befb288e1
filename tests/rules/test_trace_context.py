"""The trace of a request is parsed strictly, and what is invalid is ignored."""

from __future__ import annotations

import pytest

from rules.trace_context import MAX_MEMBERS, MAX_STATE, TraceContext, parse_trace

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
PARENT = f"00-{TRACE}-{SPAN}-01"


@pytest.mark.parametrize(
    ("written", "parsed"),
    [
        (PARENT, PARENT),
        (f" {PARENT}\t", PARENT),
        (f"00-{TRACE}-{SPAN}-00", f"00-{TRACE}-{SPAN}-00"),
        (f"00-{TRACE}-{SPAN}-ff", PARENT),
        (f"01-{TRACE}-{SPAN}-01", PARENT),
        (f"cc-{TRACE}-{SPAN}-01-what-comes-later", PARENT),
    ],
)
def test_a_valid_traceparent_is_kept_in_our_version(written: str, parsed: str) -> None:
    assert parse_trace([written]) == TraceContext(parsed)


@pytest.mark.parametrize(
    "written",
    [
        "",
        "00",
        PARENT.upper(),
        f"ff-{TRACE}-{SPAN}-01",
        f"{PARENT}-more",
        f"cc-{TRACE}-{SPAN}-01.more",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE[:-1]}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-1",
        f"00-{TRACE}-{SPAN}-0g",
        f"{PARENT}\n",
        PARENT.replace("4", "\N{ARABIC-INDIC DIGIT FOUR}"),
        "x" * 100_000,
    ],
)
def test_an_invalid_traceparent_is_ignored(written: str) -> None:
    assert parse_trace([written], ["a=b"]) is None


def test_two_traceparents_are_none() -> None:
    assert parse_trace([PARENT, PARENT]) is None
    assert parse_trace([]) is None


@pytest.mark.parametrize(
    ("written", "parsed"),
    [
        (["rojo=00f067aa0ba902b7,congo=t61rcWkgMzE"], "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE"),
        (["rojo=1", "congo=2"], "rojo=1,congo=2"),
        ([" rojo=1 , ,congo=2\t"], "rojo=1,congo=2"),
        (["fw529a3039@dt=FfQ:b c"], "fw529a3039@dt=FfQ:b c"),
        ([""], None),
        ([], None),
    ],
)
def test_a_valid_tracestate_is_kept(written: list[str], parsed: str | None) -> None:
    assert parse_trace([PARENT], written) == TraceContext(PARENT, parsed)


@pytest.mark.parametrize(
    "written",
    [
        "rojo",
        "rojo=",
        "=1",
        "Rojo=1",
        "rojo=1,rojo=2",
        "rojo=a=b",
        "rojo=\x00",
        "rojo=\r\nX-Evil: 1",
        f"rojo={'x' * 257}",
        f"a={'x' * 250},b={'x' * 250},c={'x' * 20}",
        ",".join(f"k{number}=1" for number in range(MAX_MEMBERS + 1)),
    ],
)
def test_an_invalid_or_long_tracestate_is_left_out_alone(written: str) -> None:
    assert parse_trace([PARENT], [written]) == TraceContext(PARENT)
    assert MAX_STATE == 512
