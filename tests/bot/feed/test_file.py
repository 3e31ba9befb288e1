"""The feed in a file: whole lines, one event each, also if the disk is full or a program rotates the file."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import select
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot.feed import file as feed_file
from bot.feed import lines as feed_lines
from bot.feed.file import MODE, STDOUT, FeedFile
from bot.feed.lines import LinesWritten, append_lines
from rules.record.cloud_event import encode_cloud_event
from scheduler.feed.receiver import Receipt

ONE, TWO, THREE = ({"id": f"sha256:{number}", "data": {"text": "a\nb"}} for number in (1, 2, 3))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "feed.jsonl"


@pytest.fixture
def file(path: Path) -> Iterator[FeedFile]:
    with closing(FeedFile(str(path))) as opened:
        yield opened


def write_file(path: Path, text: str, mode: int = MODE) -> None:
    path.write_text(text)
    path.chmod(mode)


def texts_of(path: Path) -> list[str]:
    return path.read_text().splitlines()


def lines_of(path: Path) -> list[Any]:
    return [json.loads(line) for line in texts_of(path)]


def mode_of(path: Path) -> int:
    return path.stat().st_mode & 0o777


def rotate_away(path: Path) -> Path:
    return path.rename(path.with_suffix(".1"))


def fill_disk(monkeypatch: pytest.MonkeyPatch, room: int = 20) -> None:
    """Some bytes are written, and then the disk is full."""
    real, rooms = os.write, iter([room])

    def write(descriptor: int, data: bytes) -> int:
        if left := next(rooms, 0):
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


async def test_lines_that_are_whole_when_the_disk_is_full_are_taken(
    file: FeedFile, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill_disk(monkeypatch, room=len(encode_cloud_event(ONE)) + 20)
    assert await file.take([ONE, TWO]) == Receipt(1, "cannot be written: No space left on device")
    assert lines_of(path) == [ONE]


async def test_the_next_line_is_whole_after_a_process_died_within_one(file: FeedFile, path: Path) -> None:
    write_file(path, '{"id":"sha256:0"}\n{"id":"sha')
    assert await file.take([ONE, TWO]) == Receipt(2)
    _, torn, *others = texts_of(path)
    assert (torn, [json.loads(line) for line in others]) == ('{"id":"sha', [ONE, TWO])


async def test_lines_that_were_written_while_the_file_was_rotated_away_are_written_again(
    file: FeedFile, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program that compresses the file may have read it before they were written."""
    await file.take([ONE])
    rotations = iter([lambda: rotate_away(path).unlink()])

    def append(descriptor: int, lines: list[bytes]) -> LinesWritten:
        next(rotations, path.stat)()
        return append_lines(descriptor, lines)

    monkeypatch.setattr(feed_file, "append_lines", append)
    assert await file.take([TWO]) == Receipt(1)
    assert lines_of(path) == [TWO]


async def test_a_symbolic_link_is_not_followed(tmp_path: Path) -> None:
    target, path = tmp_path / "target", tmp_path / "feed.jsonl"
    target.touch()
    path.symlink_to(target)
    with closing(FeedFile(str(path))) as file:
        receipt = await file.take([ONE])
    assert (receipt.taken, target.read_text()) == (0, "")
    assert receipt.error == (
        "cannot be written: it is a symbolic link, which could lead anywhere: name the file itself (stdout is -)"
    )


@pytest.mark.parametrize(("mode", "warnings"), [(0o600, 0), (0o640, 0), (0o644, 1), (0o660, 1)])
async def test_a_file_that_others_can_read_is_logged(file: FeedFile, path: Path, mode: int, warnings: int) -> None:
    write_file(path, "", mode)
    with capture_logs() as logged:
        assert await file.take([ONE]) == Receipt(1)
        assert await file.take([TWO]) == Receipt(1)
    assert [entry["event"] for entry in logged] == ["feed.file_open_to_others"] * warnings


async def test_a_lock_that_another_process_keeps_is_a_failure_and_no_end_waits_for_it(
    file: FeedFile, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_lines, "WAIT_FOR_LOCK", 0.1)
    write_file(path, "")
    with path.open() as reader:
        fcntl.flock(reader, fcntl.LOCK_SH)
        assert await file.take([ONE]) == Receipt(0, "cannot be written: another process has locked it for 0.1 s")
    assert await file.take([ONE]) == Receipt(1)


async def test_a_file_that_hangs_is_a_failure_and_no_end_waits_for_it(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_end = threading.Event()
    monkeypatch.setattr(feed_file, "HANGS_AFTER", 0.05)
    monkeypatch.setattr(feed_file, "append_lines", lambda *_: LinesWritten(int(may_end.wait(30))))
    file = FeedFile(str(path))
    assert await file.take([ONE]) == Receipt(0, "cannot be written: it takes longer than 0.05 s")
    file.close()
    assert not may_end.is_set()
    may_end.set()


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


async def test_stdout_is_never_cut_because_others_write_there_and_a_later_line_begins_on_a_new_one(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(FeedFile(STDOUT)) as file:
        await file.take([ONE])
        fill_disk(monkeypatch)
        assert (await file.take([TWO])).taken == 0
        monkeypatch.undo()
        os.write(1, b"of another\n")
        await file.take([TWO])
    first, torn, *_, last = capfd.readouterr().out.splitlines()
    assert torn == encode_cloud_event(TWO)[:20].decode() + "of another"
    assert [json.loads(line) for line in (first, last)] == [ONE, TWO]


async def test_a_pipe_whose_reader_hangs_is_a_failure_and_later_lines_begin_on_a_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_lines, "WAIT_FOR_READER", 0.05)
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
