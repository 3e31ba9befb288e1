"""The demo in a terminal: a few lines, one sentence for each error, and a clean end."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from bot.cli import run_command
from bot.demo.folder import Folder
from bot.settings import Settings
from tests.bot.demo.process import DemoProcess, running, start_demo
from tests.bot.demo.visitor import lines


async def test_the_demo_prints_its_address_and_how_to_end_it_and_listens_on_loopback_only(tmp_path: Path) -> None:
    async with running("--folder", "my # 100% demo", cwd=tmp_path) as demo:
        output = "".join(demo.output)
        assert f"{demo.url}/playground" in output
        assert "A stand-in for Slack, on this machine alone" in output
        assert str(tmp_path / "my # 100% demo") in output
        assert len(demo.output) < 14
        port = int(demo.url.rpartition(":")[2])
        with socket.socket() as other, pytest.raises(ConnectionRefusedError):
            other.connect(("127.0.0.2", port))


async def test_ctrl_c_ends_it_cleanly_with_streams_open_and_agents_waiting(tmp_path: Path) -> None:
    async with (
        running(cwd=tmp_path) as demo,
        aiohttp.ClientSession(demo.url) as http,
        http.get("/playground/demo/events") as events,
    ):
        await events.content.readline()
        demo.process.send_signal(signal.SIGINT)
        await demo.read()
        assert await demo.process.wait() == 0
    assert demo.output[-1] == "The demo has ended. The next start continues where it was.\n"
    assert "Traceback" not in (tmp_path / "countersign-demo" / "countersign.log").read_text()


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
async def test_the_demo_ends_cleanly_while_it_is_still_starting(tmp_path: Path, signum: signal.Signals) -> None:
    async with start_demo("--port", "0", cwd=tmp_path) as demo:
        await demo.read(until="is starting")
        demo.process.send_signal(signum)
        await demo.read()
        assert await demo.process.wait() == 0
    assert demo.output[-1].startswith("The demo has ended.")


async def test_after_a_kill_the_demo_goes_on_and_the_audit_log_is_complete(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async with running(cwd=tmp_path) as first:
        await _wait_for_line(first, "notice-desk", "Pending")
        first.process.kill()
        await first.process.wait()
    async with running(cwd=tmp_path) as second:
        assert "continues; --fresh" in "".join(second.output)
        await _wait_for_line(second, "notice-desk", "Was started again")
        second.process.send_signal(signal.SIGTERM)
        await second.read()
    monkeypatch.setenv("COUNTERSIGN_DATABASE_URL", f"sqlite:///{tmp_path / 'countersign-demo' / 'countersign.db'}")
    assert await asyncio.to_thread(run_command, ["audit", "verify"]) == 0
    assert capsys.readouterr().err == ""


async def _wait_for_line(demo: DemoProcess, agent: str, words: str) -> None:
    async with aiohttp.ClientSession(demo.url) as http, http.get("/playground/demo/events") as events:
        async for _ in events.content:
            async with http.get("/playground/demo/state") as answer:
                if any(words in line for line in lines(await answer.json(), agent)):
                    return


async def test_settings_for_a_real_slack_and_another_database_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("SLACK_BOT_TOKEN=xoxb-real\nCOUNTERSIGN_POLICY=nowhere.toml\n")
    settings = {
        "SLACK_APP_TOKEN": "xapp-real",
        "SLACK_API_URL": "http://127.0.0.1:9/",
        "COUNTERSIGN_DATABASE_URL": f"sqlite:///{tmp_path / 'real.db'}",
        "COUNTERSIGN_HOST": "127.0.0.2",
        "COUNTERSIGN_KEY": "not a key",
        "COUNTERSIGN_LOG": "nonsense",
        "COUNTERSIGN_MIGRATION_URL": "postgresql://127.0.0.1:9/real",
        "COUNTERSIGN_KEY_OLD": "not a key",
        "COUNTERSIGN_FEED_FILE": str(tmp_path / "real.jsonl"),
    }
    names = {field.alias or name.upper() for name, field in Settings.model_fields.items()}
    nonsense = dict.fromkeys(names - {"COUNTERSIGN_CALLBACK_ALLOW"}, "nonsense")
    async with running(cwd=tmp_path, **(nonsense | settings)) as demo:
        await _wait_for_line(demo, "case-reader", "Reported: succeeded")
    assert not (tmp_path / "real.db").exists()
    assert not (tmp_path / "real.jsonl").exists()


@pytest.fixture
def taken_port() -> Iterator[str]:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield str(other.getsockname()[1])


async def test_a_used_port_is_reported_in_one_sentence(tmp_path: Path, taken_port: str) -> None:
    async with start_demo("--port", taken_port, cwd=tmp_path) as demo:
        await demo.read()
        assert await demo.process.wait() == 1
    assert demo.output[1:] == [
        f"countersign: port {taken_port} is taken by another program; choose another with --port\n"
    ]


def test_a_second_demo_in_the_same_folder_is_refused_in_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Folder(tmp_path).hold():
        assert run_command(["demo", "--folder", str(tmp_path)]) == 1
    sentence = f"a demo already runs in {tmp_path}; end it first, or name another with --folder"
    assert capsys.readouterr().err == f"countersign: {sentence}\n"


def test_an_unwritable_folder_is_reported_in_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    below = tmp_path / "file" / "below"
    assert run_command(["demo", "--folder", str(below)]) == 1
    sentence = f"{below} cannot be used as the demo's folder (Not a directory); name another with --folder"
    assert capsys.readouterr().err == f"countersign: {sentence}\n"


def test_a_folder_name_with_a_question_mark_is_reported_in_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(["demo", "--folder", str(tmp_path / "why?")]) == 1
    assert "has a '?' in its name" in capsys.readouterr().err
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize("option", ["--no-open", "--fresh"])
def test_a_folder_with_other_content_is_left_alone(
    tmp_path: Path, option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    thesis = tmp_path / "countersign.db"
    thesis.write_text("my only copy")
    assert run_command(["demo", "--folder", str(tmp_path), option]) == 1
    assert "holds other things than a demo; name an empty folder with --folder" in capsys.readouterr().err
    assert ([*tmp_path.iterdir()], thesis.read_text()) == ([thesis], "my only copy")


async def test_if_no_browser_can_be_opened_the_demo_says_so_and_goes_on(tmp_path: Path) -> None:
    async with running("--open", cwd=tmp_path) as demo:
        await demo.read(until="No browser could be opened. Open this address yourself.")
        async with aiohttp.ClientSession(demo.url) as http, http.get("/readyz") as answer:
            assert answer.status == 200


async def test_a_browser_is_shown_the_page(tmp_path: Path) -> None:
    browser = tmp_path / "browser"
    browser.write_text("#!/bin/sh\necho a browser shows $1\n")
    browser.chmod(0o755)
    async with running("--open", cwd=tmp_path, BROWSER=str(browser)) as demo:
        assert await demo.read(until="a browser shows") == f"a browser shows {demo.url}/playground\n"
