"""The benchmarks refuse what they cannot measure in one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import against


@pytest.mark.parametrize("arguments", [[], ["HEAD", "1"], ["HEAD", "many"], ["HEAD", "2", "3"]], ids=str)
def test_a_comparison_needs_a_commit_and_at_least_two_rounds(arguments: list[str]) -> None:
    with pytest.raises(SystemExit, match="name the commit to compare with"):
        against.main(arguments)


def test_a_tree_without_bench_pieces_cannot_be_compared(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"has no bench/pieces\.py"):
        against.main([str(tmp_path)])
