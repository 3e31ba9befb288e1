"""The feed in a file: whole lines, one event each, also if the disk is full or a program rotates the file."""

from __future__ import annotations

import errno
import json
import os
import select
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bot.feed import file as feed_file
from bot.feed.file import MODE, STDOUT, FeedFile
from scheduler.feed.receiver import Receipt

ONE, TWO, THREE = ({"id": f"sha256:{number}", "data": {"text": "a\nb"}} for number in (1, 2, 3))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "feed.jsonl"


@pytest.fixture
def file(path: Path) -> Iterator[FeedFile]:
    with closing(FeedFile(str(path))) as opened:
        yield opened


def lines_of(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def mode_of(path: Path) -> int:
    return path.stat().st_mode & 0o777


def rotate_away(path: Path) -> Path:
    return path.rename(path.with_suffix(".1"))


def fill_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some bytes of the next line are written, and then the disk is full."""
    real, room = os.write, iter([20])

    def write(descriptor: int, data: bytes) -> int:
        if left := next(room, 0):
            return real(descriptor, data[:left])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "write", write)


async def test_each_event_is_one_line_and_only_the_owner_can_read_it(file: FeedFile, path: Path) -> None:
    assert await file.take([ONE, TWO]) == Receipt(2)
    assert await file.take([THREE]) == Receipt(1)
    assert lines_of(path) == [ONE, TWO, THREE]
    assert mode_of(path) == MODE


async def test_a_file_that_was_rotated_away_is_opened_again_under_its_name(file: FeedFile, path: Path) -> None:
    await file.take([ONE])
    before = rotate_away(path)
    await file.take([TWO])
    assert (lines_of(before), lines_of(path)) == ([ONE], [TWO])


async def test_a_file_that_was_cut_by_its_rotation_is_continued(file: FeedFile, path: Path) -> None:
    await file.take([ONE])
    os.truncate(path, 0)
    await file.take([TWO])
    assert lines_of(path) == [TWO]


async def test_a_full_disk_leaves_no_half_line_and_the_same_events_are_taken_later(
    file: FeedFile, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await file.take([ONE])
    fill_disk(monkeypatch)
    assert await file.take([TWO, THREE]) == Receipt(0, "cannot be written: No space left on device")
    assert lines_of(path) == [ONE]
    monkeypatch.undo()
    assert await file.take([TWO, THREE]) == Receipt(2)
    assert lines_of(path) == [ONE, TWO, THREE]


async def test_a_folder_that_is_missing_is_a_failure_until_it_is_there(tmp_path: Path) -> None:
    path = tmp_path / "later" / "feed.jsonl"
    with closing(FeedFile(str(path))) as file:
        assert await file.take([ONE]) == Receipt(0, "cannot be written: No such file or directory")
        path.parent.mkdir()
        assert await file.take([ONE]) == Receipt(1)
    assert lines_of(path) == [ONE]


async def test_stdout_gets_the_same_lines(capfd: pytest.CaptureFixture[str]) -> None:
    with closing(FeedFile(STDOUT)) as file:
        assert await file.take([ONE, TWO]) == Receipt(2)
    assert [json.loads(line) for line in capfd.readouterr().out.splitlines()] == [ONE, TWO]


async def test_stdout_in_a_file_has_no_gap_after_a_full_disk(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(FeedFile(STDOUT)) as file:
        await file.take([ONE])
        fill_disk(monkeypatch)
        assert (await file.take([TWO])).taken == 0
        monkeypatch.undo()
        await file.take([TWO])
    assert [json.loads(line) for line in capfd.readouterr().out.splitlines()] == [ONE, TWO]


async def test_a_pipe_whose_reader_hangs_is_a_failure_and_later_lines_begin_on_a_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_file, "WAIT_FOR_READER", 0.05)
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    long = {"id": "sha256:4", "data": "x" * 2**20}
    with closing(FeedFile(str(path))) as file:
        assert await file.take([long]) == Receipt(0, "cannot be written: its reader took nothing for 0.05 s")
        torn = _read_all(reader)
        assert await file.take([ONE]) == Receipt(1)
        assert _read_all(reader) == b"\n" + json.dumps(ONE, separators=(",", ":")).encode() + b"\n"
    os.close(reader)
    assert not torn.endswith(b"\n")


def _read_all(reader: int) -> bytes:
    """What the pipe holds now."""
    poll, parts = select.poll(), list[bytes]()
    poll.register(reader, select.POLLIN)
    while poll.poll(0):
        parts.append(os.read(reader, 2**16))
    return b"".join(parts)


async def test_a_pipe_that_nobody_reads_is_a_failure(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with closing(FeedFile(str(path))) as file:
        assert (await file.take([ONE])).taken == 0
