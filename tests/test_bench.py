"""The benchmarks refuse what they cannot measure in one sentence."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import create_engine
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError

from bench import against


@pytest.mark.parametrize("arguments", [[], ["HEAD", "1"], ["HEAD", "many"], ["HEAD", "2", "3"]], ids=str)
def test_a_comparison_needs_a_commit_and_at_least_two_rounds(arguments: list[str]) -> None:
    with pytest.raises(SystemExit, match="name the commit to compare with"):
        against.main(arguments)


def test_a_tree_without_bench_pieces_cannot_be_compared(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"has no bench/pieces\.py"):
        against.main([str(tmp_path)])


_WAITING = """
import signal
from bench.world import databases

with databases() as urls:
    print(urls["postgresql"], flush=True)
    signal.pause()
"""


@pytest.mark.slow
def test_a_benchmark_that_is_terminated_leaves_no_postgresql_behind() -> None:
    with subprocess.Popen([sys.executable, "-c", _WAITING], stdout=subprocess.PIPE, text=True) as bench:
        assert bench.stdout is not None
        url = make_url(bench.stdout.readline().strip())
        bench.send_signal(signal.SIGTERM)
        assert bench.wait(30) == 128 + signal.SIGTERM
    engine = create_engine(url.set(drivername="postgresql+psycopg"))
    with pytest.raises(OperationalError):
        engine.connect()
    engine.dispose()
