"""Each command and program in README and in the pages of `docs/` runs as it is written, with other addresses and ids."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sys
import tomllib
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import pytest
import pytest_asyncio

from docs.picture import CARDS, digest_of_cards, package
from playground.model.messages import Message
from playground.slack import Slack, stand_in
from scheduler.callbacks.webhook import envelope

READER = pytest.mark.asyncio(loop_scope="module")
ROOT = Path(__file__).parent.parent
ADDRESS = "http://127.0.0.1:8080"
OWNER, REVIEWER, CHANNEL = "U012AB3CD", "URITA", "C0123ABCD"
BIN = str(Path(sys.executable).parent)
PATIENCE = 60
RUNS = ("sh", "python")


class Block(NamedTuple):
    section: str
    language: str
    text: str


PAGES = ("README", *(f"docs/{name}" for name in ("connect", "agents", "policy", "callbacks", "audit")))


def blocks(page: str) -> Iterator[Block]:
    section = ""
    for line in re.finditer(
        r"^#+ (?P<section>[^\n]+)$|^ *```(?P<language>\w+)\n(?P<text>.*?)^ *```$",
        (ROOT / f"{page}.md").read_text(),
        re.MULTILINE | re.DOTALL,
    ):
        section = line["section"] or section
        if line["language"]:
            yield Block(section, line["language"], line["text"])


BLOCKS = [block for page in PAGES for block in blocks(page)]


def block(section: str, language: str, number: int = 0) -> str:
    return [entry.text for entry in BLOCKS if entry[:2] == (section, language)][number]


def test_each_block_that_runs_has_a_test_here() -> None:
    assert Counter(entry[:2] for entry in BLOCKS if entry.language in RUNS) == {
        ("Try it", "sh"): 1,
        ("Use it in an agent", "python"): 1,
        ("Connect your workspace", "sh"): 2,
        ("Post your first package", "sh"): 3,
        ("Post your first package", "python"): 1,
        ("With the SDK", "python"): 1,
        ("The policy file", "sh"): 1,
        ("Callbacks", "python"): 1,
        ("Audit", "sh"): 1,
        ("Decisions as data", "sh"): 1,
    }


def test_all_other_blocks_are_configuration_or_examples() -> None:
    assert {entry.language for entry in BLOCKS} - set(RUNS) == {"ini", "caddyfile", "http", "json", "toml"}


@pytest.mark.parametrize(("language", "parse"), [("json", json.loads), ("toml", tomllib.loads)])
def test_examples_in_json_and_toml_can_be_parsed(language: str, parse: Callable[[str], object]) -> None:
    assert [entry.text for entry in BLOCKS if entry.language == language and not parse(entry.text)] == []


class Shell:
    """The reader's shell: its folder and the variables exported so far."""

    def __init__(self, folder: Path, **exported: str) -> None:
        ours = {name: value for name, value in os.environ.items() if not name.startswith(("COUNTERSIGN_", "SLACK_"))}
        self.folder, self.exported = folder, ours | {"PATH": f"{BIN}:{ours['PATH']}"} | exported
        self.url = ADDRESS

    @asynccontextmanager
    async def start(self, command: str, *program: str) -> AsyncIterator[asyncio.subprocess.Process]:
        """Starts a command in its own process group, so that everything that it starts ends with it."""
        process = await asyncio.create_subprocess_exec(
            *(program or ("sh", "-eu", "-c")),
            command.replace(ADDRESS, self.url),
            cwd=self.folder,
            env=self.exported,
            start_new_session=True,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()

    async def run(self, command: str, *program: str) -> str:
        async with self.start(command, *program) as process, asyncio.timeout(PATIENCE):
            out, err = await process.communicate()
        assert process.returncode == 0, (out, err)
        return out.decode()


async def wait_for_line(stream: asyncio.StreamReader | None, pattern: str) -> str:
    assert stream is not None
    output = ""
    async for line in stream:
        output += line.decode()
        if match := re.search(pattern, output):
            return match[1]
    raise AssertionError(output)


# ---- try it


async def test_make_demo_starts_the_demo(tmp_path: Path) -> None:
    """Runs in a clone of this checkout with the existing environment, because a new one would need the package index."""
    ready = tmp_path / "ready"
    ready.touch()
    os.utime(ready, (2**31, 2**31))
    ours = f"VENV={sys.prefix} RUNS={ready} ARGS=--port\\ 0\\ --no-open"
    command = f"git clone --quiet {ROOT} countersign && cd countersign\n{block('Try it', 'sh')}"
    shell = Shell(tmp_path, MAKEFLAGS=ours, PYTHONPATH=str(tmp_path / "countersign"))
    async with shell.start(command) as process, asyncio.timeout(PATIENCE):
        page = await wait_for_line(process.stdout, r"Open +(\S+/playground)")
        async with aiohttp.ClientSession() as http, http.get(page) as answer:
            assert answer.status == 200
        os.killpg(process.pid, signal.SIGINT)
        await wait_for_line(process.stdout, r"(The demo has ended)")


# ---- connect, post, decide, execute, verify


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def slack() -> AsyncIterator[Slack]:
    """The reader's workspace."""
    async with stand_in() as workspace:
        for user in (OWNER, REVIEWER, "USENTA", "USUSI"):
            workspace.add_person(user)
        workspace.add_channel(CHANNEL, name="reviews", members=[REVIEWER])
        yield workspace


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shell(slack: Slack, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Shell]:
    """A shell after all steps of "Connect your workspace", with the service running. All tests share it."""
    folder = tmp_path_factory.mktemp("reader")
    tokens = (
        block("Connect your workspace", "ini").replace("xoxb-…", slack.bot_token).replace("xapp-…", slack.app_token)
    )
    (folder / ".env").write_text(re.sub("^ +", "", tokens, flags=re.MULTILINE))
    (folder / "policy.toml").write_text(fill_in_policy((ROOT / "policy.toml").read_text()))
    shell = Shell(folder, SLACK_API_URL=slack.api_url, COUNTERSIGN_PORT="0", COUNTERSIGN_LOG="json")
    starting, adding = (block("Connect your workspace", "sh", number) for number in (0, 1))
    async with shell.start(starting) as service:
        async with asyncio.timeout(PATIENCE):
            shell.url = await wait_for_line(service.stderr, r'"url": "([^"]+)"')
        (shell.exported["KEY"],) = re.findall("^key: (csk_.+)$", await shell.run(adding), re.MULTILINE)
        yield shell


def fill_in_policy(policy: str) -> str:
    for role, user in (("reviewer", REVIEWER), ("senior_reviewer", "USENTA"), ("supervisor", "USUSI")):
        policy = policy.replace(f"[roles.{role}]\nmembers = []", f'[roles.{role}]\nmembers = ["{user}"]')
    return policy.replace("admins = []", f'admins = ["{OWNER}"]').replace("#default = ", "default = ")


def post(number: int, language: str = "sh") -> str:
    return block("Post your first package", language, number)


async def approve_card(slack: Slack, title: str) -> None:
    """Waits for the card and approves it as the reviewer."""

    def card() -> Message | None:
        return next((message for message in slack.messages(CHANNEL) if title in message.shown), None)

    outcome = await slack.click(REVIEWER, await slack.until(card, PATIENCE), "approve")
    assert outcome.ok, outcome


@READER
async def test_a_package_is_posted_with_curl_approved_and_executed(slack: Slack, shell: Shell) -> None:
    document = json.loads(await shell.run(post(0)))
    assert (document["status"], document["level"]) == ("pending", "hard_approval")
    shell.exported |= {"ID": document["decision_package_id"], "DIGEST": document["action_digest"]}
    waiting = asyncio.ensure_future(shell.run(post(1)))
    await approve_card(slack, "Refund order 456")
    assert json.loads(await waiting)["decision_package_id"] == document["decision_package_id"]
    answers = await shell.run(post(2))
    assert re.findall(r'"execution": ?\{"state": ?"(\w+)"', answers) == ["claimed", "succeeded"]


@READER
async def test_the_python_agent_acts_after_approval(slack: Slack, shell: Shell) -> None:
    running = asyncio.ensure_future(shell.run(post(0, "python"), sys.executable, "-c"))
    await approve_card(slack, "Refund order 457")
    assert await running == "Refunding {'order': 457, 'amount': '80.00', 'currency': 'EUR'}\n"


@READER
async def test_the_gate_of_the_sdk_asks_with_the_arguments_of_the_call(slack: Slack, shell: Shell) -> None:
    shell.exported |= {"COUNTERSIGN_URL": shell.url, "COUNTERSIGN_AGENT_KEY": shell.exported["KEY"]}
    assert block("Use it in an agent", "python") == block("With the SDK", "python")
    example = block("With the SDK", "python").replace("...", "return amount")
    program = f'{example}\nprint(refund(458, "5.00", "EUR"))'
    running = asyncio.ensure_future(shell.run(program, sys.executable, "-c"))
    await approve_card(slack, "458")
    assert await running == "5.00\n"


@READER
async def test_the_policy_is_checked_and_a_draft_is_explained(shell: Shell) -> None:
    (shell.folder / "draft.json").write_text(package())
    explanation = await shell.run(block("The policy file", "sh"))
    assert "default-1" in explanation
    assert "hard_approval" in explanation


@READER
async def test_the_audit_log_is_verified_exported_and_verified_again(shell: Shell) -> None:
    await shell.run(post(0))
    await shell.run(block("Audit", "sh"))
    lines = (shell.folder / "trail.jsonl").read_text().splitlines()
    assert any("package.submitted" in line for line in lines)


@READER
async def test_decisions_are_exported_as_data(slack: Slack, shell: Shell) -> None:
    document = json.loads(await shell.run(post(0).replace("456", "459")))
    await approve_card(slack, "Refund order 459")
    await shell.run(block("Decisions as data", "sh"))
    rows = map(json.loads, (shell.folder / "decisions.jsonl").read_text().splitlines())
    [row] = [row for row in rows if row["decision_package_id"] == document["decision_package_id"]]
    assert (row["decision"], row["status"], row["decided_by"]) == ("approve", "approved", "person")


# ---- README


def test_the_readme_has_at_most_900_words_and_no_address_to_fill_in() -> None:
    readme = (ROOT / "README.md").read_text()
    assert len(readme.split()) <= 900
    assert re.findall(r"ADDRESS-OF|example\.com|YOUR-", readme) == []


# ---- callbacks


def test_a_callback_is_verified_as_the_page_says() -> None:
    body = json.dumps({"type": "package.approved", "timestamp": "2026-11-20T12:04:30Z", "data": {"status": "approved"}})
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    names: dict[str, Any] = {"body": body, "headers": envelope("msg_1", datetime.now(UTC), body.encode(), [secret])}
    exec(block("Callbacks", "python").replace("whsec_…", secret), names)  # noqa: S102 - our own page
    assert names["document"] == {"status": "approved"}


def test_the_pictures_show_the_cards_as_they_look_now() -> None:
    """If it fails: `python -m docs.picture` takes them again, and writes the digest of what they show."""
    assert CARDS.read_text().strip() == digest_of_cards()
