"""`python -m bench against COMMIT [ROUNDS]`: compares the speed of this tree with another commit, in one run.

On a shared machine one minute can be half as fast as the next. So a process of each tree is kept ready, and they take
turns with a few dozen jobs each. Printed are the median and the quartiles of the ratios of such pairs.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median, quantiles
from typing import Any, NamedTuple

from bench.world import databases, fresh_database

ROUNDS = 40
JOBS = 48
ROOT = Path(__file__).parent.parent
PIECES = (("submit", 1), ("approve", 1), ("claim", 1), ("submit", 16), ("approve", 16), ("claim", 16), ("http", 64))


class Ratio(NamedTuple):
    """This tree divided by the other: a rate above 1 is faster, a processor time above 1 is more expensive."""

    low: float
    middle: float
    high: float

    @classmethod
    def of(cls, ratios: list[float]) -> Ratio:
        low, _, high = quantiles(ratios, n=4)
        return cls(low, median(ratios), high)

    def __str__(self) -> str:
        return f"{self.middle:>9.2f} ({self.low:.2f}–{self.high:.2f})"


def main(arguments: list[str]) -> None:
    match arguments:
        case [other]:
            run(other)
        case [other, rounds] if rounds.isdecimal() and int(rounds) >= 2:
            run(other, int(rounds))
        case _:
            sys.exit(
                "bench: name the commit to compare with, and at least 2 rounds: python -m bench against COMMIT [ROUNDS]"
            )


def run(other: str, rounds: int = ROUNDS) -> None:
    with _checkout(other) as folder, databases() as urls:
        print(f"This tree compared with {other}: medians and quartiles of {rounds} pairs of {JOBS} jobs")
        print(f"{'database':<12}{'piece':<10}{'at once':>8}{'rate':>22}{'processor':>22}", flush=True)
        for kind in urls:
            _compare(kind, urls, folder, rounds)


def _compare(kind: str, urls: dict[str, str], folder: Path, rounds: int) -> None:
    with ExitStack() as stack:
        ours, theirs = (
            stack.enter_context(_start_side(tree, fresh_database(kind, urls), fresh_database(kind, urls)))
            for tree in (ROOT, folder)
        )
        rates: dict[tuple[str, int], list[float]] = {piece: [] for piece in PIECES}
        cpus: dict[tuple[str, int], list[float]] = {piece: [] for piece in PIECES}
        for turn in range(rounds):
            for piece in PIECES:
                order = (ours, theirs) if turn % 2 else (theirs, ours)
                times = {id(side): _measure(side, *piece) for side in order}
                our_time, their_time = times[id(ours)], times[id(theirs)]
                rates[piece].append(their_time["seconds"] / our_time["seconds"])
                cpus[piece].append(our_time["cpu"] / their_time["cpu"])
    for name, at_once in PIECES:
        rate, cpu = Ratio.of(rates[name, at_once]), Ratio.of(cpus[name, at_once])
        print(f"{kind:<12}{name:<10}{at_once:>8}{rate!s:>22}{cpu!s:>22}", flush=True)


def _measure(side: subprocess.Popen[str], piece: str, at_once: int) -> dict[str, float]:
    jobs = JOBS if at_once > 1 else JOBS // 2
    if side.stdin is None or side.stdout is None:
        raise RuntimeError("a side has no pipes")
    side.stdin.write(json.dumps({"piece": piece, "jobs": jobs, "at_once": at_once}) + "\n")
    side.stdin.flush()
    answer: dict[str, float] = json.loads(side.stdout.readline())
    return answer


@contextmanager
def _start_side(tree: Path, *urls: str) -> Iterator[subprocess.Popen[str]]:
    environment: dict[str, Any] = {**os.environ, "PYTHONPATH": str(tree)}
    command = [sys.executable, "-m", "bench.pieces", *urls]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, cwd=tree, env=environment, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True
    ) as side:
        if side.stdout is None or not side.stdout.readline():
            sys.exit(f"bench: {tree} cannot be measured: run `python -m bench.pieces` there to see the error")
        yield side


@contextmanager
def _checkout(other: str) -> Iterator[Path]:
    """The other tree: a folder as it is, or a temporary checkout of a commit."""
    if Path(other).is_dir():
        yield _measurable(Path(other).resolve(), other)
        return
    with tempfile.TemporaryDirectory(prefix="countersign-bench-") as parent:
        folder = Path(parent) / "tree"
        git = ["git", "-C", str(ROOT), "worktree"]
        if subprocess.run([*git, "add", "--quiet", "--detach", str(folder), other], check=False).returncode:
            sys.exit(f"bench: git cannot check out {other!r}")
        try:
            yield _measurable(folder, other)
        finally:
            subprocess.run([*git, "remove", "--force", str(folder)], check=True)


def _measurable(folder: Path, other: str) -> Path:
    if not (folder / "bench" / "pieces.py").exists():
        sys.exit(f"bench: {other!r} has no bench/pieces.py, so it cannot be measured: choose a later commit")
    return folder
